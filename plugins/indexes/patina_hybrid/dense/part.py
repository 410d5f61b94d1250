"""A part of the dense arm: rows of unit vectors with their ids, searched exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

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


class View(NamedTuple):
    """The rows of a part as they were at one moment; only `live` may still change, and only to False."""

    ids: list[str]
    vectors: Vectors
    live: Mask


class Part:
    """Rows are only ever added, or marked dead; one thread does so while any number search.

    A dead row never comes back: an id that returns gets a new row. `row_of` has the newest row of each id.
    """

    def __init__(self, ids: list[str], vectors: Vectors, live: Mask) -> None:
        self.ids = ids
        self.row_of = {id_: row for row, id_ in enumerate(ids)}
        self._vectors = vectors
        self._live = live

    def view(self) -> View:
        return View(self.ids, self._vectors, self._live)

    def row(self, id_: str) -> int | None:
        """The row of a live id."""
        row = self.row_of.get(id_)
        return row if row is not None and self._live[row] else None

    def vector(self, row: int) -> Vector:
        vector: Vector = self._vectors[row]
        return vector

    def kill(self, row: int) -> None:
        self._live[row] = False

    @property
    def count(self) -> int:
        """Rows, dead ones included."""
        return len(self.view().live)

    @property
    def alive(self) -> int:
        return int(np.count_nonzero(self.view().live))

    def search(self, query: Vector, window: int, only: frozenset[str] | None) -> list[tuple[str, float]]:
        """At least the best `window` live ids that `only` admits (more when scores are equal), in no order."""
        view = self.view()
        rows = self._admitted(view, only)
        if not len(rows):
            return []
        rows, scores = self._nearest(view, rows, query, window)
        return [(view.ids[row], score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True)]

    def _nearest(self, view: View, rows: RowNumbers, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
        return exact(view.vectors, rows, query, window)

    def _admitted(self, view: View, only: frozenset[str] | None) -> RowNumbers:
        if only is None:
            return np.flatnonzero(view.live)
        admitted = np.zeros(len(view.live), np.bool_)
        if len(only) < len(view.live):
            found = [row for id_ in only if (row := self.row_of.get(id_)) is not None]
            admitted[[row for row in found if row < len(admitted)]] = True
        else:
            admitted[:] = [id_ in only for id_ in view.ids[: len(admitted)]]
        return np.flatnonzero(admitted & view.live)


def exact(vectors: Vectors, rows: RowNumbers, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
    """The `window` best of `rows` by inner product, and whatever scores as high as the last of them."""
    few = len(rows) < GATHER_SHARE * len(vectors)
    scores: Scores = vectors[rows] @ query if few else (vectors @ query)[rows]
    if len(rows) <= window:
        return rows, scores
    last = np.partition(scores, -window)[-window]
    keep = scores >= last - TIE
    return rows[keep], scores[keep]
