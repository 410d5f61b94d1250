"""The hybrid index: two arms that follow the same log, each at its own pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patina.errors import Failed
from patina.types import Ranking
from patina_hybrid.dense.arm import DenseArm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patina.types import Change, Fault, Query, Seq, Stamp
    from patina_hybrid.arm import Arm, LexicalArm
    from patina_hybrid.settings import HybridSettings


class HybridIndex:
    """`patina.protocols.Index` over a dense and a lexical arm.

    Either arm may be behind, or have lost everything, without the other: the log is replayed from the one that is
    furthest behind, and each takes in only what it does not hold yet.
    """

    def __init__(self, settings: HybridSettings) -> None:
        self._dense = DenseArm(settings)
        self._lexical = _lexical_arm(settings)
        self._arms: dict[str, Arm] = {arm.name: arm for arm in (self._dense, self._lexical)}
        self._collection = ""

    @property
    def arms(self) -> Sequence[str]:
        return tuple(self._arms)

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self._collection = stamp.collection
        try:
            return min(arm.open(folder and folder / arm.name, stamp) for arm in self._arms.values())
        except OSError as error:
            raise self._disk_failure("opened", error) from error

    def apply(self, changes: Sequence[Change]) -> None:
        """Raises `PluginError` for a vector of the wrong length, and when `rank-bm25` would pass its limit."""
        self._lexical.apply(_newer(changes, self._lexical.seq))
        self._dense.apply(self._without_lost_vectors(_newer(changes, self._dense.seq)))

    def rank(self, query: Query) -> list[Ranking]:
        asked = self._arms if query.arms is None else query.arms
        rankings = []
        for name, arm in self._arms.items():
            try:
                candidates = arm.rank(query) if name in asked else None
            except OSError as error:
                raise self._disk_failure("read", error) from error
            if candidates is not None:
                rankings.append(Ranking(name, candidates))
        return rankings

    def checkpoint(self) -> Seq:
        try:
            return min([arm.checkpoint() for arm in self._arms.values()])
        except OSError as error:
            raise self._disk_failure("saved", error) from error

    def verify(self, full: bool = False) -> list[Fault]:
        return [fault for arm in self._arms.values() for fault in arm.verify(full)]

    def ids(self, arm: str) -> frozenset[str]:
        return self._arms[arm].ids()

    def stats(self) -> dict[str, int]:
        merged = {name: count for arm in self._arms.values() for name, count in arm.stats().items()}
        return {**merged, "bytes": sum(count for name, count in merged.items() if name.endswith("_bytes"))}

    def drop(self) -> None:
        for arm in self._arms.values():
            arm.drop()

    def close(self) -> None:
        for arm in self._arms.values():
            arm.close()

    def _without_lost_vectors(self, changes: Sequence[Change]) -> Sequence[Change]:
        """A vector may arrive for a passage that is gone by now: then it is gone here too."""
        late = {change.id for change in changes if change.op == "vector"}
        lost = late - self._lexical.holds(late)
        return [replace(change, op="delete") if change.id in lost else change for change in changes]

    def _disk_failure(self, verb: str, error: OSError) -> Failed:
        return Failed(
            f"The index of {self._collection} could not be {verb}: {error}.",
            hint="Free disk space or mend the folder's rights; nothing is lost, the store has everything.",
        )


def _newer(changes: Sequence[Change], held: Seq) -> Sequence[Change]:
    return [change for change in changes if change.seq > held]


def _lexical_arm(settings: HybridSettings) -> LexicalArm:
    if settings.lexical == "rank-bm25":
        from patina_hybrid.lexical.rank_bm25_arm import RankBm25Arm

        return RankBm25Arm(settings)
    from patina_hybrid.lexical.tantivy_arm import TantivyArm

    return TantivyArm(settings)
