"""What the two arms have in common: each follows the log by itself and gives one ranking."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, Protocol

from patina.types import Candidate, Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from patina.types import Change, Query, Seq, Stamp


TIE = 2e-6
"""Scores this close may be equal in truth: a window must not cut through them before their ids have decided."""
DECIMALS = 6


class Arm(Protocol):
    """One way of finding passages. Threads: as `patina.protocols.Index`."""

    @property
    def name(self) -> str: ...

    @property
    def seq(self) -> Seq:
        """The last change taken in."""
        ...

    def open(self, folder: Path | None, stamp: Stamp) -> Seq: ...

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in changes that are all newer than `seq`."""
        ...

    def rank(self, query: Query) -> list[Candidate] | None:
        """Best first; None when the query has nothing for this arm, or the arm nothing to search."""
        ...

    def checkpoint(self) -> Seq: ...

    def verify(self, full: bool) -> list[Fault]: ...

    def ids(self) -> frozenset[str]: ...

    def stats(self) -> dict[str, int]: ...

    def drop(self) -> None: ...

    def close(self) -> None: ...


class LexicalArm(Arm, Protocol):
    """The arm that knows which passages exist."""

    def holds(self, ids: Collection[str]) -> frozenset[str]:
        """Those of `ids` that were put and not deleted, as of `seq`."""
        ...


def faults(arm: str, collection: str, sentences: Iterable[str]) -> list[Fault]:
    """What is wrong with an arm, and that it can be made again from the store."""
    repair = f"Run `patina rebuild --repo {collection}`."
    return [Fault(where=f"{collection}/{arm}", what=f"The {arm} arm: {what}.", repair=repair) for what in sentences]


def ranked(scores: Iterable[tuple[str, float]], window: int) -> list[Candidate]:
    """The best `window` of (id, score), ties by id.

    Scores are rounded to `DECIMALS` first: the last bits of a float32 product depend on where the row lies, and the
    order must not change when rows move from one file to another.
    """
    best = nsmallest(window, ((-round(score, DECIMALS), id_) for id_, score in scores))
    return [Candidate(id_, -negative) for negative, id_ in best]
