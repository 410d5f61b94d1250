"""Offers the embedder "remote"; nothing heavy is imported before it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from patina import Offer, hookimpl
from patina_remote.settings import RemoteSettings

if TYPE_CHECKING:
    from patina.protocols import Embedder

PATINA_API = 1


@hookimpl
def patina_embedders() -> Iterable[Offer[Embedder, Any]]:
    about = "any endpoint that speaks OpenAI's interface: another Patina, or a service"
    return [Offer(name="remote", config=RemoteSettings, build=_build, about=about)]


def _build(settings: RemoteSettings) -> Embedder:
    from patina_remote.embedder import RemoteEmbedder

    return RemoteEmbedder(settings)
