"""What would have been right where msgspec found something wrong, read from the Struct that it was to fill."""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

_WRONG_VALUE = re.compile(r"Invalid enum value '(?P<wrong>.*)'")
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(?P<name>[^`]*)`")
_WRONG_FIELD = re.compile(r"Object contains unknown field `(?P<wrong>[^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")


def place_of(complaint: str) -> str | None:
    """The field to blame: ``filter.langage`` of "… unknown field `langage` - at `$.filter`"; None for the whole."""
    found = _PLACE.search(complaint)
    inside = found["place"] if found else ""
    field = _FIELD.match(complaint)
    return ".".join(filter(None, [inside, field["name"] if field else ""])) or None


def hint(complaint: str, into: Any) -> str:
    """The nearest name and the choice, or the bounds of a number; empty if there is nothing to say."""
    found = _PLACE.search(complaint)
    annotation = _at(into, found["place"]) if found else into
    if wrong := _WRONG_FIELD.match(complaint):
        struct = _struct(annotation)
        return choice(wrong["wrong"], [] if struct is None else list(_fields(struct)))
    if wrong := _WRONG_VALUE.match(complaint):
        return choice(wrong["wrong"], _literals(annotation))
    return _bounds(annotation)


def choice(wrong: str, words: list[str]) -> str:
    """The words that there are, the nearest first."""
    near = difflib.get_close_matches(wrong[:100], words, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"{meant}Choose from: {', '.join(words)}." if words else ""


def _at(into: Any, place: str) -> Any:
    """The type at ``documents[...].url`` within a Struct; None where there is no telling."""
    for part in place.split("."):
        struct = _struct(into)
        into = None if struct is None else _fields(struct).get(part.partition("[")[0])
    return into


def _struct(annotation: Any) -> type[msgspec.Struct] | None:
    """The Struct in ``list[A]``, ``A | None`` or ``Annotated[A, …]``."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next(filter(None, map(_struct, get_args(annotation))), None)


def _fields(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def _literals(annotation: Any) -> list[str]:
    """The strings that a ``Literal["a", "b"]`` or ``Literal["a", "b"] | None`` admits."""
    if isinstance(annotation, str):
        return [annotation]
    return [word for part in get_args(annotation) for word in _literals(part)]


def _bounds(annotation: Any) -> str:
    """The numbers that an ``Annotated[int, Meta(ge=1, le=9)]`` admits, in words."""
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(_bounds, get_args(annotation))), "")
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.ge is not None and meta.le is not None:
            return f"Give a number from {meta.ge:g} to {meta.le:g}."
    return ""
