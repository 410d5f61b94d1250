"""Looks into a model.onnx without onnxruntime: whether it is whole, what lies outside it, how wide its output is.

onnxruntime opens any file that a model names as the place of its weights, so those names are read before it does. The
file is one Protocol Buffers message; the numbers below are those of ONNX's own schema.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from patina.errors import Corrupt, Refused

INSIDE: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
}
"""From a message and a field's number to the message in that field: every way to the place of some weights."""

_DEEPEST = 64
_LONGEST_VARINT = 10
_GRAPH, _OUTPUT = 7, 12
_TYPE, _TENSOR, _SHAPE, _AXIS, _SIZE = 2, 1, 2, 1, 1
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}


class Outline(NamedTuple):
    """What `outline` finds."""

    external: list[Path]
    """Files of weights beside the model."""
    width: int
    """The size of the last axis of its first output; 0 if it is left open."""


def outline(path: Path, root: Path | None = None) -> Outline:
    """Read through the model at `path`; weights elsewhere must lie in `root`, by default the model's own folder.

    Raises `Corrupt` where the file is damaged, `Refused` where it names weights outside or behind a hard link.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            whole = _Field(0, 0, len(data))
            locations = sorted(set(_locations(data, whole, "ModelProto")))
            width = _width(data, whole)
    except (ValueError, IndexError) as error:
        raise Corrupt(f"{path} is damaged or cut short.", hint="Copy or download it again.") from error
    return Outline([_beside(path, name, root or path.parent) for name in locations], width)


def _beside(path: Path, name: str, root: Path) -> Path:
    weights = path.parent / name
    if not weights.exists():
        raise Corrupt(f"{path} keeps weights in {name}, which is not there.", hint="Copy that file too.")
    inside = weights.resolve().is_relative_to(root.resolve())
    if Path(name).is_absolute() or not inside or weights.stat().st_nlink > 1:
        raise Refused(
            f"{path} keeps weights in {name}, which is outside its folder or a link.",
            hint="Copy that file itself into the folder, if you trust the model.",
        )
    return weights


class _Field(NamedTuple):
    """A field's number and the bytes that it takes up; a number stands in `value`."""

    number: int
    start: int
    end: int
    value: int = 0


def _locations(data: mmap.mmap, message: _Field, kind: str, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if kind == "StringStringEntryProto":
        key, value = (data[field.start : field.end].decode() for field in _fields(data, message))
        yield from [value] if key == "location" else []
        return
    for field in _fields(data, message):
        if field.number in INSIDE[kind]:
            yield from _locations(data, field, INSIDE[kind][field.number], depth + 1)


def _width(data: mmap.mmap, model: _Field) -> int:
    place: _Field | None = model
    for number in (_GRAPH, _OUTPUT, _TYPE, _TENSOR, _SHAPE):
        place = next((field for field in _fields(data, place) if field.number == number), None) if place else None
    axes = [field for field in _fields(data, place) if field.number == _AXIS] if place else []
    sizes = [field.value for field in _fields(data, axes[-1]) if field.number == _SIZE] if axes else []
    return sizes[0] if sizes else 0


def _fields(data: mmap.mmap, message: _Field) -> Iterator[_Field]:
    """The fields of a message; ValueError or IndexError where it is not one."""
    at = message.start
    while at < message.end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value = 0
        if kind == _VARINT:
            value, end = _varint(data, at)
        elif kind == _BYTES:
            length, at = _varint(data, at)
            end = at + length
        else:
            end = at + _FIXED.get(kind, len(data))
        if end > message.end:
            raise ValueError("a field ends beyond its message")
        yield _Field(number, at, end, value)
        at = end


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """The number at `at`, seven bits a byte, and where it ends: at the first byte without the eighth bit."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return value, at + place + 1
    raise ValueError("a number is too long")
