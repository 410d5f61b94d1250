"""An immutable part with an HNSW graph over its rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from patina_hybrid.dense.part import Part

if TYPE_CHECKING:
    from hnswlib import Index as Graph

    from patina.types import Vector, Vectors
    from patina_hybrid.dense.part import Mask, RowNumbers, Scores
    from patina_hybrid.dense.stored import StoredVectors

WALK_COST = 10
"""Asking a graph for one answer more takes as long as comparing with this many rows."""
SPARE = 1.2


class Segment(Part):
    """Labels of the graph are row numbers. The graph is asked through hnswlib; exact scans need the vectors too: in
    memory until the segment is saved, then inside the graph's file, where they cost memory only while they are used.
    """

    def __init__(
        self, ids: list[str], vectors: Vectors, live: Mask, graph: Graph, stored: StoredVectors | None = None
    ) -> None:
        super().__init__(ids, vectors if stored is None else stored.vectors, live)
        self.graph = graph
        self._stored = stored

    def read_from(self, stored: StoredVectors) -> None:
        """Take the same vectors from the graph's file from now on."""
        self._stored = stored
        self._vectors = stored.vectors

    def stored_in_order(self) -> bool:
        """Whether the graph's file, if there is one, has the rows in their order. Raises OSError."""
        return self._stored is None or self._stored.in_order()

    def take(self, rows: RowNumbers) -> Vectors:
        if self._stored is not None:
            self._stored.check()
        return super().take(rows)

    def _nearest(self, admitted: Mask, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
        """Ask the graph for more and more until `window` rows are among the answers, while that is the cheaper way."""
        count = int(np.count_nonzero(admitted))
        wanted = math.ceil(window * len(admitted) / max(count, 1) * SPARE)
        while count > window and wanted * WALK_COST < count:
            try:
                labels, distances = self.graph.knn_query(query, k=wanted, num_threads=1)
            except RuntimeError:  # the graph falls apart when many vectors are equal: it reaches fewer than `wanted`
                break
            found = labels[0].astype(np.intp)
            keep = admitted[found]
            if np.count_nonzero(keep) >= window:
                return found[keep], 1.0 - distances[0][keep]
            wanted *= 2
        if self._stored is not None:
            self._stored.check()
        return self._scan(np.flatnonzero(admitted), query, window)
