"""Reading every entry of the dense arm: do ids, vectors and graphs agree?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from patina_hybrid.dense.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patina_hybrid.dense.part import RowNumbers, View

UNIT_TOLERANCE = 1e-3
"""How far the length of a vector may be from one."""
SLICE_ROWS = 256
"""Rows compared between two breaths: the library holds up all other threads while it hands out vectors."""


def inspect(views: Sequence[View]) -> list[str]:
    """Sentences about what is wrong with what is in memory, or mapped into it."""
    counts = Counter(id_ for view in views for id_ in view.ids())
    twice = sum(count > 1 for count in counts.values())
    crooked = sum(_crooked(view) for view in views)
    sentences = [f"{twice} passages are held twice"] if twice else []
    sentences += [f"{crooked} vectors are not of unit length"] if crooked else []
    return sentences + [sentence for view in views if isinstance(view.part, Segment) for sentence in _unlike(view.part)]


def _crooked(view: View) -> int:
    lengths = [np.linalg.norm(view.part.take(rows), axis=1) for rows in _slices(np.flatnonzero(view.live))]
    return sum(int(np.count_nonzero(~(abs(length - 1.0) < UNIT_TOLERANCE))) for length in lengths)


def _unlike(segment: Segment) -> list[str]:
    """Whether the graph holds just the segment's rows, under their numbers."""
    every = np.arange(len(segment.ids))
    if sorted(segment.graph.get_ids_list()) != every.tolist() or not segment.stored_in_order():
        return ["a graph does not hold the rows of its segment"]
    unlike = sum(
        int(np.count_nonzero((segment.graph.get_items(rows) != segment.take(rows)).any(axis=1)))
        for rows in _slices(every)
    )
    return [f"{unlike} vectors in a graph are not those of its file"] if unlike else []


def _slices(rows: RowNumbers) -> list[RowNumbers]:
    return [rows[start : start + SLICE_ROWS] for start in range(0, len(rows), SLICE_ROWS)]
