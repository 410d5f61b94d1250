"""The newest rows: a matrix that grows, searched exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina_hybrid.dense.part import Part

if TYPE_CHECKING:
    from patina.types import Vector

FIRST_ROWS = 64


class Tail(Part):
    """A `Part` that takes new rows."""

    @classmethod
    def empty(cls, dimension: int) -> Tail:
        return cls([], np.empty((0, dimension), np.float32), np.empty(0, np.bool_))

    @property
    def length(self) -> int:
        """Rows, those not yet published included."""
        return self._count

    def append(self, id_: str, vector: Vector) -> None:
        row = self._count
        if row == len(self._live):
            self._grow()
        self._vectors[row] = vector
        self._live[row] = True
        self.ids.append(id_)
        self.row_of[id_] = row
        self._count += 1

    def _grow(self) -> None:
        """Into a larger matrix; a search that holds the smaller one goes on with it."""
        rows = self._count
        vectors = np.empty((max(FIRST_ROWS, 2 * rows), self._vectors.shape[1]), np.float32)
        live = np.zeros(len(vectors), np.bool_)
        vectors[:rows], live[:rows] = self._vectors, self._live
        self._vectors, self._live = vectors, live
