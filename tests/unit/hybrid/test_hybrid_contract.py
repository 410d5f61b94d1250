"""Both lexical engines, and a dense arm that seals early, keep every promise of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace
from patina.testing import IndexContract
from patina.types import Change, Stamp
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from pathlib import Path

    from patina.protocols import Index

STAMP = Stamp(collection="contract", identity="a" * 64, dimension=32)


def puts(count: int) -> list[Change]:
    rows = np.eye(STAMP.dimension, dtype=np.float32)
    return [Change(seq=row + 1, op="put", id=str(row), text="words", vector=rows[row]) for row in range(count)]


class HybridContract(IndexContract):
    """The whole suite, but for one point: words do not depend on a model, and answer while vectors are made anew."""

    def test_another_stamp_starts_over(self, tmp_path: Path) -> None:
        others = (replace(STAMP, identity="b" * 64), replace(STAMP, collection="x"), replace(STAMP, format=2))
        for number, other in enumerate(others):
            folder = tmp_path / str(number)
            with self.opened(folder, puts(5), STAMP):
                pass
            index = self.index()
            assert index.open(folder, other) == 0, "the whole log is needed again"
            assert not index.ids("dense")
            assert bool(index.ids("lexical")) == (other.identity != STAMP.identity)
            index.close()


class TestHybridOnTantivy(HybridContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings())


class TestHybridOnRankBm25(HybridContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings(lexical="rank-bm25"))


class TestHybridInSmallSegments(HybridContract):
    def index(self) -> Index:
        return HybridIndex(HybridSettings(segment_size=64, tail_max=128))
