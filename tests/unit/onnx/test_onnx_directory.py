"""Models in a user's directory: what is read, and what is said of a wrong one."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from patina.errors import ConfigError, Corrupt, Failed, ModelNotFound, PatinaError
from patina.types import Tokens
from patina_onnx import embedder as embedders
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.session import Session
from patina_onnx.settings import OnnxSettings, Pooling

MakeModel = Callable[..., Path]


def opened(folder: Path, **settings: object) -> OnnxEmbedder:
    return OnnxEmbedder(OnnxSettings(model=str(folder), **settings))  # type: ignore[arg-type]


def vector(embedder: OnnxEmbedder, text: str = "the lamp stood on the window sill") -> bytes:
    return embedder.embed(embedder.tokenize([text], "passage")).vectors.tobytes()


def test_without_a_card_the_model_speaks_for_itself(make_model: MakeModel) -> None:
    info = opened(make_model()).info
    assert (info.name, info.dimension, info.max_tokens) == ("tiny", 16, 512)
    assert info.exact_tokens
    assert info.batch_tokens == 0


def test_a_model_is_as_old_as_its_file(make_model: MakeModel) -> None:
    folder = make_model()
    os.utime(folder / "model.onnx", (1_600_000_000, 1_600_000_000))
    assert opened(folder).info.created == 1_600_000_000


def test_the_card_names_prefixes_and_limits(make_model: MakeModel) -> None:
    card = '{"name": "lamp", "prefix_query": "query: ", "prefix_passage": "passage : ", "max_tokens": 9}'
    embedder = opened(make_model(card=card))
    question, long = embedder.tokenize(["cat", "cat " * 9], "query")
    [passage] = embedder.tokenize(["cat"], "passage")
    assert embedder.info.name == "lamp"
    assert (question.count, passage.count) == (5, 5)
    assert (long.count, long.truncated) == (9, True)
    ids = long.payload
    assert isinstance(ids, np.ndarray)
    assert ids[-1] == 2, "a cut text still ends as the model expects: with [SEP]"


def test_settings_win_over_the_card(make_model: MakeModel) -> None:
    folder = make_model(card='{"prefix_passage": "passage : ", "max_tokens": 64}')
    embedder = opened(folder, prefix_passage="", max_tokens=8)
    [tokens] = embedder.tokenize(["cat " * 20], "passage")
    assert embedder.info.max_tokens == tokens.count == 8
    assert opened(folder, prefix_passage="").tokenize(["cat"], "passage")[0].count == 3


def test_settings_cannot_lengthen_a_model(make_model: MakeModel) -> None:
    embedder = opened(make_model(card='{"max_tokens": 64}'), max_tokens=65)
    with pytest.raises(ConfigError, match="no more than 64"):
        _ = embedder.info


def test_each_pooling_is_its_own(make_model: MakeModel) -> None:
    folder = make_model()
    poolings: tuple[Pooling, ...] = ("mean", "cls", "max", "last")
    embedders_ = [opened(folder, pooling=pooling) for pooling in poolings]
    assert len({vector(one) for one in embedders_}) == len(poolings)
    assert len({one.info.identity for one in embedders_}) == len(poolings)


def test_without_normalization_the_length_is_the_models(make_model: MakeModel) -> None:
    folder = make_model()
    raw = np.frombuffer(vector(opened(folder, normalization="none")), np.float32)
    unit = np.frombuffer(vector(opened(folder)), np.float32)
    assert abs(np.linalg.norm(raw) - 1) > 0.01
    assert np.allclose(raw / np.linalg.norm(raw), unit, atol=1e-6)


def test_the_files_of_sentence_transformers_are_understood(make_model: MakeModel) -> None:
    folder = make_model()
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query "}}')
    embedder = opened(folder)
    assert embedder.info.max_tokens == 20
    assert embedder.tokenize(["cat"], "query")[0].count == 4
    assert embedder.tokenize(["cat"], "passage")[0].count == 3
    assert vector(embedder) == vector(opened(make_model("other"), pooling="cls"))


def test_the_model_may_lie_in_a_folder_named_onnx(make_model: MakeModel) -> None:
    folder = make_model()
    before = vector(opened(folder))
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    assert vector(opened(folder)) == before


def test_another_model_has_another_identity(make_model: MakeModel) -> None:
    first, again, other = make_model(), make_model("again"), make_model("other", seed=1)
    identities = [opened(folder).info.identity for folder in (first, again, other)]
    assert identities[0] == identities[1] != identities[2]


def test_several_threads_load_the_model_once(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []

    def load(path: Path) -> Session:
        loads.append(path)
        time.sleep(0.05)  # long enough for the others to arrive meanwhile
        return Session(path)

    monkeypatch.setattr(embedders, "Session", load)
    embedder, start = opened(make_model()), threading.Barrier(6)

    def first(_: int) -> bytes:
        start.wait(timeout=60)
        return vector(embedder)

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(first, range(6)))) == 1
    assert len(loads) == 1
    embedder.close()
    vector(embedder)
    assert len(loads) == 2


def test_tokenizing_opens_no_model(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "Session", lambda path: pytest.fail(f"{path} was opened"))
    embedder = opened(make_model())
    assert embedder.info.dimension == 16
    assert embedder.tokenize(["cat"], "query")[0].count == 3


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_directory_that_is_no_model_is_named(make_model: MakeModel, missing: str) -> None:
    folder = make_model()
    (folder / missing).unlink()
    with pytest.raises(ConfigError, match=f"{folder} .* needs model.onnx and tokenizer.json") as caught:
        _ = opened(folder).info
    assert caught.value.param == "embedders.onnx.model"


@pytest.mark.parametrize("name", ["nothing-like-it", "/no/such/directory", "./models/none"])
def test_an_unknown_name_gets_the_choices(name: str) -> None:
    with pytest.raises(ModelNotFound, match="multilingual-e5-small") as caught:
        _ = OnnxEmbedder(OnnxSettings(model=name)).info
    assert name in caught.value.message


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, overwrite, empty])
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named(make_model: MakeModel, name: str, damage: Callable[[Path], None]) -> None:
    folder = make_model()
    damage(folder / name)
    with pytest.raises(Corrupt, match=name) as caught:
        vector(opened(folder))
    assert str(folder / name) in caught.value.message
    assert caught.value.hint


def test_any_damage_to_a_model_is_an_error_of_ours(make_model: MakeModel) -> None:
    folder = make_model()
    whole = (folder / "model.onnx").read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        (folder / "model.onnx").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert len(vector(opened(folder))) == 16 * 4, "damage to a weight does not show"
        except PatinaError as error:
            assert str(folder) in error.message


@pytest.mark.parametrize("card", ["{", '{"pooling": "avg"}', '{"colour": "red"}', "[]"])
def test_a_wrong_card_is_named(make_model: MakeModel, card: str) -> None:
    folder = make_model(card=card)
    with pytest.raises(ConfigError, match=r"patina-model\.json"):
        _ = opened(folder).info


def test_a_digest_on_the_card_is_checked(make_model: MakeModel) -> None:
    folder = make_model()
    found = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "patina-model.json").write_text(f'{{"sha256": "{found}"}}')
    assert vector(opened(folder))
    (folder / "patina-model.json").write_text(f'{{"sha256": "{"0" * 64}"}}')
    with pytest.raises(Corrupt) as caught:
        _ = opened(folder).info
    assert found in caught.value.message
    assert "0" * 64 in caught.value.message


def test_a_wrong_dimension_is_found_by_the_first_vector(make_model: MakeModel) -> None:
    with pytest.raises(ConfigError, match="16 numbers, not 17"):
        vector(opened(make_model(card='{"dimension": 17}')))


def test_a_model_that_changes_in_use_is_not_opened_again(make_model: MakeModel) -> None:
    folder = make_model()
    embedder = opened(folder)
    vector(embedder)
    embedder.close()
    (folder / "model.onnx").write_bytes((make_model("other", seed=1) / "model.onnx").read_bytes())
    with pytest.raises(Corrupt, match="changed"):
        vector(embedder)


def test_a_tokenizer_of_another_model_is_an_error_of_ours(make_model: MakeModel) -> None:
    embedder = opened(make_model())
    with pytest.raises(Failed, match="tiny"):
        embedder.embed([Tokens(1, False, np.array([99], np.int64))])
