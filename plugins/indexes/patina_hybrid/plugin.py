"""The entry point. Importing it costs no numpy, no hnswlib and no tantivy: they are loaded when an index is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina import Offer, hookimpl
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patina.protocols import Index

PATINA_API = 1


@hookimpl
def patina_indexes() -> Iterable[Offer[Index, HybridSettings]]:
    return [
        Offer(
            name="hybrid",
            config=HybridSettings,
            build=_build,
            about="HNSW vectors and BM25 words, each its own ranking",
        )
    ]


def _build(settings: HybridSettings) -> Index:
    from patina_hybrid.index import HybridIndex

    return HybridIndex(settings)
