"""A model's own token ids, back to text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from patina.errors import InvalidRequest
from patina.protocols import Detokenizer
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings

TEXTS = (
    "The old lamp stands in the attic.",
    "Eine Katze läuft über die Straße.",
    "def f(x: int) -> int:\n    return x ** 2",
    "日本語のテキスト",
    "👍",
    "<mask>",
    "",
)


def test_a_directorys_tokenizer_tells_what_its_ids_stand_for(make_model: Callable[..., Path]) -> None:
    embedder = OnnxEmbedder(OnnxSettings(model=str(make_model())))
    assert isinstance(embedder, Detokenizer)
    assert embedder.detokenize([[3, 4, 5], [3], []]) == ["the lamp stood", "the", ""]


def test_an_id_that_the_model_has_not_is_named(make_model: Callable[..., Path]) -> None:
    embedder = OnnxEmbedder(OnnxSettings(model=str(make_model())))
    with pytest.raises(InvalidRequest, match="999 is no token of this model") as caught:
        embedder.detokenize([[0], [1, 999]])
    assert caught.value.param == "ids[1]"


@pytest.mark.model
def test_the_default_models_ids_stand_for_the_text_that_they_were_made_of(e5: OnnxEmbedder, model_cache: str) -> None:
    _ = e5.tokenize(TEXTS, "query")
    package = Tokenizer.from_file(str(next(Path(model_cache).glob("*int8*")) / "tokenizer.json"))
    ids = [package.encode(text).ids for text in TEXTS]
    assert e5.detokenize(ids) == package.decode_batch(ids)
    with pytest.raises(InvalidRequest, match="no token of this model"):
        e5.detokenize([[250_002]])
