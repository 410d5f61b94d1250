"""`[transports.unix]`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from patina.hookspecs import Settings

Seconds = Annotated[float, Meta(gt=0, le=3600)]


class UnixSettings(Settings, frozen=True, kw_only=True):
    socket: str = ""
    """Where the socket is; core fills in the home's own."""
    max_frame_bytes: Annotated[int, Meta(ge=65_536, le=1 << 30)] = 16 << 20
    """The largest frame either side may send."""
    max_connections: Annotated[int, Meta(ge=1, le=10_000)] = 256
    max_in_flight: Annotated[int, Meta(ge=1, le=10_000)] = 256
    """Unanswered requests of one connection."""
    hello_timeout_s: Seconds = 5.0
    frame_timeout_s: Seconds = 30.0
    """From the first byte of a frame to its last, in either direction."""
    drain_timeout_s: Seconds = 10.0
    """How long a closing door waits for the requests that are under way."""
