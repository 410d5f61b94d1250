"""The newest rows: a matrix that grows, searched exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina_hybrid.dense.part import Part, View

if TYPE_CHECKING:
    from patina.types import Vector, Vectors
    from patina_hybrid.dense.part import Mask

FIRST_ROWS = 64


class Tail(Part):
    """A `Part` that takes new rows. A search sees the rows that were complete when it began."""

    def __init__(self, ids: list[str], vectors: Vectors, live: Mask) -> None:
        super().__init__(ids, vectors, live)
        self._view = View(ids, vectors, live)

    @classmethod
    def empty(cls, dimension: int) -> Tail:
        return cls([], np.empty((0, dimension), np.float32), np.empty(0, np.bool_))

    def view(self) -> View:
        return self._view

    def append(self, id_: str, vector: Vector) -> None:
        row = len(self.ids)
        if row == len(self._live):
            self._grow()
        self._vectors[row] = vector
        self._live[row] = True
        self.ids.append(id_)
        self.row_of[id_] = row
        self._view = View(self.ids, self._vectors[: row + 1], self._live[: row + 1])  # readers take this in one step

    def _grow(self) -> None:
        rows = len(self.ids)
        vectors = np.empty((max(FIRST_ROWS, 2 * rows), self._vectors.shape[1]), np.float32)
        live = np.zeros(len(vectors), np.bool_)
        vectors[:rows], live[:rows] = self._vectors, self._live
        self._vectors, self._live = vectors, live
