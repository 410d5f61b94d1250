"""A part of the dense arm: rows of unit vectors with their ids, searched exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import numpy as np

from patina_hybrid.arm import TIE

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina.types import Vector, Vectors

    Mask: TypeAlias = npt.NDArray[np.bool_]
    RowNumbers: TypeAlias = npt.NDArray[np.intp]
    Scores: TypeAlias = npt.NDArray[np.float32]

GATHER_SHARE = 0.25
"""Below this share of the rows it is cheaper to copy them out than to multiply the whole matrix."""


class View(msgspec.Struct, frozen=True, eq=False):
    """What of a part may be found, from one moment on. Nothing of it ever changes."""

    part: Part
    live: Mask
    """Which of the first rows; later rows came after the view."""
    alive: int
    """How many of them."""

    def ids(self) -> list[str]:
        ids = self.part.ids
        return [ids[row] for row in np.flatnonzero(self.live).tolist()]


class Found(NamedTuple):
    """Rows of one part with their scores, in no order."""

    ids: list[str]
    """Of all rows of the part."""
    rows: RowNumbers
    scores: Scores

    def reaching(self, least: float) -> list[tuple[str, float]]:
        """The ids with at least this score."""
        keep = self.scores >= least
        rows, scores = self.rows[keep].tolist(), self.scores[keep].tolist()
        return [(self.ids[row], score) for row, score in zip(rows, scores, strict=True)]


class Part:
    """Rows are only ever added, or marked dead, by one thread. Searches see neither before it says `publish`.

    A dead row never comes back: an id that returns gets a new row. `row_of` has the newest row of each id.
    """

    def __init__(self, ids: list[str], vectors: Vectors, live: Mask) -> None:
        self.ids = ids
        self.row_of = {id_: row for row, id_ in enumerate(ids)}
        self._vectors = vectors
        self._live = live
        self._count = len(ids)
        self.view = self._new_view()

    def row(self, id_: str) -> int | None:
        """The row of a live id."""
        row = self.row_of.get(id_)
        return row if row is not None and self._live[row] else None

    def take(self, rows: RowNumbers) -> Vectors:
        """Copies of the vectors. Raises OSError when they cannot be read."""
        vectors: Vectors = self._vectors[rows]
        return vectors

    def kill(self, row: int) -> None:
        self._live[row] = False

    def publish(self) -> View:
        """Let searches that begin from now on see the rows as they are."""
        if not np.array_equal(self.view.live, self._live[: self._count]):
            self.view = self._new_view()
        return self.view

    @property
    def count(self) -> int:
        """Published rows, dead ones included."""
        return len(self.view.live)

    @property
    def alive(self) -> int:
        return self.view.alive

    def search(self, view: View, query: Vector, window: int, only: frozenset[str] | None) -> Found:
        """At least the best `window` live ids that `only` admits, and whatever scores as high as the last of them.

        Raises OSError when vectors cannot be read.
        """
        admitted = view.live if only is None else self._admitted(view, only)
        return Found(self.ids, *self._nearest(admitted, query, window))

    def _nearest(self, admitted: Mask, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
        return self._scan(np.flatnonzero(admitted), query, window)

    def _scan(self, rows: RowNumbers, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
        """Compare with each of `rows`, which ascend.

        A product a row, not one of a matrix: that would start threads, which wait by spinning, on cores that the
        background thread is using.
        """
        if not len(rows):
            return rows, np.empty(0, np.float32)
        few = len(rows) < GATHER_SHARE * len(self.ids)
        scores: Scores = (
            np.vecdot(self.take(rows), query) if few else np.vecdot(self._vectors[: rows[-1] + 1], query)[rows]
        )
        keep = scores >= least_of_best(scores, window)
        return rows[keep], scores[keep]

    def _admitted(self, view: View, only: frozenset[str]) -> Mask:
        admitted = np.zeros(len(view.live), np.bool_)
        if len(only) < len(view.live):
            rows = [row for id_ in only if (row := self.row_of.get(id_)) is not None]
            later = {self.ids[row] for row in rows if row >= len(admitted)}
            rows = [row for row in rows if row < len(admitted)]
            if later:  # what came after the view may have had an earlier row in it
                rows += [row for row, id_ in enumerate(self.ids[: len(admitted)]) if id_ in later]
            admitted[rows] = True
        else:
            admitted[:] = [id_ in only for id_ in self.ids[: len(admitted)]]
        return admitted & view.live

    def _new_view(self) -> View:
        live = self._live[: self._count].copy()
        return View(self, live, int(np.count_nonzero(live)))


def least_of_best(scores: Scores, window: int) -> float:
    """What the `window` highest reach, and whatever is as high as the last of them."""
    return float(np.partition(scores, -window)[-window]) - TIE if len(scores) > window else -np.inf
