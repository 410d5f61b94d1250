"""hnswlib, checked: three distributions share its import name, and one of them gives wrong neighbours."""

from __future__ import annotations

import errno
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from patina.errors import PluginError
from patina_hybrid.dense.stored import whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hnswlib import Index as Graph

    from patina.types import Vectors

SLICE_ROWS = 256
"""Rows added between two looks at whether the work may go on: some 50 to 150 ms."""
SEED = 100
TOLERANCE = 1e-5
LEAST_EF_SHARE = 0.5
EF_GROWTH = 1 / 8
"""The more rows, the more widely they must be searched for the same recall: half as much again for 25 times as many."""


class Breadth(NamedTuple):
    """How thoroughly graphs are built."""

    m: int
    ef_construction: int


def check_hnswlib() -> None:
    """Raises `PluginError` when hnswlib is missing, too old, or something else under its name."""
    try:
        import hnswlib
    except ImportError as error:
        raise PluginError(
            f"hnswlib cannot be imported: {error}.",
            hint="It is built from source: install a C++ compiler and the Python headers, then `pip install hnswlib`.",
        ) from error
    if "allow_replace_deleted" not in (hnswlib.Index.init_index.__doc__ or "") or not _finds_neighbours():
        raise PluginError(
            f"The module hnswlib at {hnswlib.__file__} is not hnswlib 0.8 or newer.",
            hint="Uninstall chroma-hnswlib and hnswlib-fast-ip, which share its name, then"
            " `pip install --force-reinstall 'hnswlib>=0.8'`.",
        )


def build(vectors: Vectors, breadth: Breadth, may_go_on: Callable[[], bool]) -> Graph | None:
    """A graph over unit vectors [n, dimension], labels are row numbers; None once `may_go_on` says no.

    Uses one thread, which leaves the interpreter free while it computes.
    """
    graph = _new(vectors.shape[1])
    graph.init_index(len(vectors), M=breadth.m, ef_construction=breadth.ef_construction, random_seed=SEED)
    for start in range(0, len(vectors), SLICE_ROWS):
        if not may_go_on():
            return None
        rows = vectors[start : start + SLICE_ROWS]
        graph.add_items(rows, np.arange(start, start + len(rows)), num_threads=1)
    return graph


def save(graph: Graph, path: Path) -> None:
    """Raises OSError when the file cannot be written."""
    graph.save_index(str(path))
    if not whole(path):
        raise OSError(errno.ENOSPC, "the disk did not take the whole graph", str(path))


def ef_of_share(ef: int, share: float, times: float = 1.0) -> int:
    """How widely to search a graph with this share of all rows, which are so many times those that `ef` is meant for.

    The fewer of the nearest rows a graph can have, the less widely it must be searched to find them.
    """
    return math.ceil(ef * math.pow(max(1.0, times), EF_GROWTH) * max(LEAST_EF_SHARE, math.sqrt(share)))


def load(path: Path, dimension: int, rows: int) -> Graph:
    """Read a graph. The file's checksum must have been verified: hnswlib crashes on a damaged one.

    Raises RuntimeError when it does not hold `rows` rows.
    """
    graph = _new(dimension)
    graph.load_index(str(path), max_elements=rows)
    if graph.get_current_count() != rows:
        raise RuntimeError(f"{path.name} holds {graph.get_current_count()} rows, not {rows}")
    return graph


def _new(dimension: int) -> Graph:
    import hnswlib

    return hnswlib.Index(space="ip", dim=dimension)


def _finds_neighbours() -> bool:
    vectors = np.eye(16, dtype=np.float32)
    graph = _new(16)
    graph.init_index(16, M=8, ef_construction=32, random_seed=SEED)
    graph.add_items(vectors, np.arange(16), num_threads=1)
    labels, distances = graph.knn_query(vectors, k=1, num_threads=1)
    return labels[:, 0].tolist() == list(range(16)) and bool((distances < TOLERANCE).all())
