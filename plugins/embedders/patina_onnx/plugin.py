"""Offers the embedder "onnx"; nothing heavy is imported before it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from patina import Offer, hookimpl
from patina_onnx.settings import OnnxSettings

if TYPE_CHECKING:
    from patina.protocols import Embedder

PATINA_API = 1


@hookimpl
def patina_embedders() -> Iterable[Offer[Embedder, Any]]:
    about = "any directory with model.onnx and tokenizer.json; multilingual-e5-small by default"
    return [Offer(name="onnx", config=OnnxSettings, build=_build, about=about)]


def _build(settings: OnnxSettings) -> Embedder:
    from patina_onnx.embedder import OnnxEmbedder

    return OnnxEmbedder(settings)
