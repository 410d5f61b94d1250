"""An immutable part with an HNSW graph over its rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from patina_hybrid.dense.part import Part, exact

if TYPE_CHECKING:
    from hnswlib import Index as Graph

    from patina.types import Vector, Vectors
    from patina_hybrid.dense.part import Mask, RowNumbers, Scores, View

GRAPH_SHARE = 0.25
"""A graph is walked when at least this share of its rows may be returned; otherwise the rows are scanned."""
WALK_SHARE = 0.5
"""Asking a graph for more than this share of its rows costs more than scanning them."""
SPARE = 1.2


class Segment(Part):
    """Labels of the graph are row numbers. The raw vectors stay beside it for exact scans: in memory until the
    segment is saved, then mapped from its file, so that they cost memory only while a filter makes use of them.
    """

    def __init__(self, ids: list[str], vectors: Vectors, live: Mask, graph: Graph) -> None:
        super().__init__(ids, vectors, live)
        self.graph = graph

    def map_vectors(self, mapped: Vectors) -> None:
        """Read the same vectors from elsewhere from now on."""
        self._vectors = mapped

    def _nearest(self, view: View, rows: RowNumbers, query: Vector, window: int) -> tuple[RowNumbers, Scores]:
        if len(rows) > window and len(rows) >= GRAPH_SHARE * len(view.live):
            found = self._walk(len(view.live), rows, query, window)
            if found is not None:
                return found
        return exact(view.vectors, rows, query, window)

    def _walk(self, count: int, rows: RowNumbers, query: Vector, window: int) -> tuple[RowNumbers, Scores] | None:
        """Ask the graph for more and more until `window` of `rows` are among the answers; None: scan instead."""
        admitted = np.zeros(count, np.bool_)
        admitted[rows] = True
        wanted = math.ceil(window * count / len(rows) * SPARE)
        while wanted <= WALK_SHARE * count:
            try:
                labels, distances = self.graph.knn_query(query, k=wanted, num_threads=1)
            except RuntimeError:  # the graph falls apart when many vectors are equal: it reaches fewer than `wanted`
                return None
            found = labels[0].astype(np.intp)
            keep = admitted[found]
            if np.count_nonzero(keep) >= window:
                return found[keep], 1.0 - distances[0][keep]
            wanted *= 2
        return None
