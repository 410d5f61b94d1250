"""Both lexical engines, and a dense arm that seals early, keep every promise of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina.testing import IndexContract
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from patina.protocols import Index


class TestHybridOnTantivy(IndexContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings())


class TestHybridOnRankBm25(IndexContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings(lexical="rank-bm25"))


class TestHybridInSmallSegments(IndexContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings(segment_size=64, tail_max=128))
