"""A Patina that embeds at another one is an embedder like any other."""

from __future__ import annotations

import pytest

from patina.testing import EmbedderContract
from patina_remote.embedder import RemoteEmbedder
from patina_remote.settings import RemoteSettings


class TestRemoteEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _address(self, patina_address: str) -> None:
        self.address = patina_address

    def embedder(self) -> RemoteEmbedder:
        return RemoteEmbedder(RemoteSettings(url=f"{self.address}/v1", model="fake", kind="input_type"))
