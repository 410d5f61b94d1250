"""The vectors inside a graph's file, mapped into memory."""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from patina.types import Vectors

HEADER = np.dtype(
    [
        ("first", "<u8"),
        ("capacity", "<u8"),
        ("rows", "<u8"),
        ("row_bytes", "<u8"),
        ("label_at", "<u8"),
        ("vector_at", "<u8"),
        ("levels", "<i4"),
        ("entrance", "<u4"),
        ("breadths", "<u8", 3),
        ("spread", "<f8"),
        ("ef_construction", "<u8"),
    ]
)
"""How hnswlib begins a file: then come its rows, each with its links, its vector and its label."""
FLOAT_BYTES = 4
LENGTH = struct.Struct("<I")


class StoredVectors:
    """hnswlib keeps every vector in its file, so that no second copy is needed for exact scans.

    Touching a mapped file beyond its end kills the process, hence `check`: whoever is about to read asks first whether
    the file has been cut since.
    """

    def __init__(self, path: Path, dimension: int, rows: int) -> None:
        """The file's checksum must have been verified. Raises OSError when it is laid out in another way."""
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = np.frombuffer(self._map, HEADER, 1)[0] if len(self._map) >= HEADER.itemsize else None
        if header is None or not _as_expected(header, dimension, rows, len(self._map)):
            raise OSError(f"{path.name} is not laid out as hnswlib 0.8 does")
        self._path = path
        strides = (int(header["row_bytes"]), FLOAT_BYTES)
        begin = HEADER.itemsize + int(header["vector_at"])
        self.vectors: Vectors = np.ndarray((rows, dimension), "<f4", self._map, begin, strides)
        self._labels: npt.NDArray[np.uint64] = np.ndarray(
            rows, "<u8", self._map, HEADER.itemsize + int(header["label_at"]), strides[:1]
        )

    def check(self) -> None:
        """Raises OSError when the file is shorter than it was."""
        if self._map.size() < len(self._map):
            raise OSError(f"{self._path} has been cut while it was in use")

    def in_order(self) -> bool:
        """Whether row `n` belongs to the graph's label `n`, for all of them."""
        self.check()
        return bool(np.array_equal(self._labels, np.arange(len(self._labels), dtype=np.uint64)))


def whole(path: Path) -> bool:
    """Whether a graph's file goes on to its end: hnswlib does not notice when the disk takes only a part of it."""
    raw = path.read_bytes()
    if len(raw) < HEADER.itemsize:
        return False
    header = np.frombuffer(raw, HEADER, 1)[0]
    rows, at = int(header["rows"]), HEADER.itemsize + int(header["rows"]) * int(header["row_bytes"])
    for _ in range(rows):  # behind the rows, each one's links of the upper levels: their length, and they
        if at + LENGTH.size > len(raw):
            return False
        at += LENGTH.size + LENGTH.unpack_from(raw, at)[0]
    return at == len(raw)


def _as_expected(header: np.void, dimension: int, rows: int, size: int) -> bool:
    vector_bytes = FLOAT_BYTES * dimension
    return bool(
        header["first"] == 0
        and header["rows"] == rows
        and header["label_at"] == header["vector_at"] + vector_bytes
        and header["row_bytes"] == header["label_at"] + 8
        and header["vector_at"] % FLOAT_BYTES == 0
        and HEADER.itemsize + rows * header["row_bytes"] <= size
    )
