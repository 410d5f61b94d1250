"""Bytes to words and back: what every door and every dialer does with `patina.wire`.

Whatever is wrong with bytes that came in is an `InvalidRequest` with the field to blame and what would be right there:
JSON and MessagePack fail in four different ways, and a transport should not have to know them.
"""

from __future__ import annotations

from functools import lru_cache
from types import UnionType
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec

from patina.errors import InvalidRequest
from patina.wire import AnyRequest, Request, invalid
from patina.wire.hint import choice

T = TypeVar("T")
R = TypeVar("R")

Form: TypeAlias = Literal["json", "msgpack"]

MAX_COMPLAINT = 300
"""Characters of an error's message."""


def encode(word: object, form: Form = "json") -> bytes:
    """A Struct as bytes. Raises `InvalidRequest` for a text that UTF-8 cannot hold: a lone surrogate."""
    try:
        return msgspec.json.encode(word) if form == "json" else msgspec.msgpack.encode(word)
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"A text holds {error.object[error.start]!r}, which UTF-8 cannot encode.") from None


def decode(raw: bytes | msgspec.Raw, into: type[T], form: Form = "json") -> T:
    """Bytes as a `T`, held to the limits written there. Raises `InvalidRequest`."""
    try:
        word: T = _decoder(into, form).decode(raw)  # type: ignore[arg-type]  # every type is hashable
    except msgspec.ValidationError as error:
        raise _explained(error, raw, into, form) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"This cannot be read as {form}: {error}.") from None
    except UnicodeDecodeError:
        raise InvalidRequest("A text is not UTF-8.") from None
    except RecursionError:
        raise InvalidRequest("This is nested too deeply.") from None
    return word


def decode_request(raw: bytes | msgspec.Raw, form: Form = "json") -> AnyRequest:
    """Any request, told apart by its tag in the field ``op``. Raises `InvalidRequest`."""
    request: AnyRequest = decode(raw, AnyRequest, form)  # type: ignore[arg-type]  # a union is not a `type`
    return request


def reply_type(request: type[Request[R]]) -> type[R]:
    """What answers a request: `Hits` for `Scry`, from ``class Scry(Request[Hits])``."""
    for base in getattr(request, "__orig_bases__", ()):
        if get_origin(base) is Request:
            found: type[R] = get_args(base)[0]
            return found
    raise TypeError(f"{request.__name__} does not name its reply: derive it from Request[…].")


class _Tagged(msgspec.Struct):
    op: str = ""


@lru_cache(maxsize=256)
def _decoder(into: Any, form: Form) -> Any:
    """To make one for a union costs thirty times what using it costs."""
    return msgspec.json.Decoder(into) if form == "json" else msgspec.msgpack.Decoder(into)


def _explained(error: msgspec.ValidationError, raw: bytes | msgspec.Raw, into: Any, form: Form) -> InvalidRequest:
    """The refusal, with the words that would have been accepted as its hint."""
    kinds = {kind.__struct_config__.tag: kind for kind in get_args(into)} if isinstance(into, UnionType) else {}
    op = _op(raw, form) if kinds else ""
    refusal = invalid(error, kinds.get(op) if kinds else into)
    refusal.message, refusal.param = _shortened(refusal.message), _shortened(refusal.param or "") or None
    if kinds and op not in kinds and refusal.param == "op":
        refusal.hint = choice(op, sorted(kinds))
    return refusal


def _shortened(text: str) -> str:
    """A complaint repeats what it complains about, which may be as long as the whole request."""
    return text if len(text) <= MAX_COMPLAINT else f"{text[:MAX_COMPLAINT]}…"


def _op(raw: bytes | msgspec.Raw, form: Form) -> str:
    try:
        return decode(raw, _Tagged, form).op
    except InvalidRequest:
        return ""
