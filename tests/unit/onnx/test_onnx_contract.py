"""The embedder's contract, with a tiny model and with the real one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from patina.testing import EmbedderContract
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings


class TestTinyModel(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _model(self, make_model: Callable[..., Path]) -> None:
        self._folder = make_model(card='{"max_tokens": 64}')

    def embedder(self) -> OnnxEmbedder:
        return OnnxEmbedder(OnnxSettings(model=str(self._folder)))


@pytest.mark.model
class TestE5(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _shared(self, e5: OnnxEmbedder) -> None:
        self._e5 = e5

    def embedder(self) -> OnnxEmbedder:
        return self._e5

    def opened(self) -> AbstractContextManager[OnnxEmbedder]:
        return nullcontext(self._e5)  # loaded once
