"""What every message is made of: who asks, requests and replies, and the limits of their fields."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from patina.types import Scope

R_co = TypeVar("R_co", covariant=True)
AnyRequestT = TypeVar("AnyRequestT", bound="Request[Any]")

Name = Annotated[str, Meta(min_length=1, max_length=200)]
PathText = Annotated[str, Meta(min_length=1, max_length=4096)]
Text = Annotated[str, Meta(max_length=10_000_000)]
QueryText = Annotated[str, Meta(max_length=20_000)]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: `origin` is the door ("unix", "http", "local"), `name` the key, user or address behind it."""

    origin: str = "local"
    name: str = ""
    scopes: tuple[Scope, ...] | None = None
    """What a key allows; None, for the home's owner, is everything."""
    request_id: str = ""
    """As the door tells it to the client; empty where a door has none."""


class Request(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """A question to the engine, generic in its reply."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. Clients ignore fields that they do not know."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something told while a request is under way; a stream's last event is the request's reply."""


class InputFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be taken in, and why."""

    path: str
    reason: str
