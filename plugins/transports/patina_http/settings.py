"""`[transports.http]`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from patina.hookspecs import Settings
from patina.types import Kind

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class HttpSettings(Settings, frozen=True, kw_only=True):
    host: str = ""
    """Core fills in [daemon] host; empty is 127.0.0.1."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """Core fills in [daemon] port; 0 takes a free one."""
    home: str = ""
    """Core fills in the home, where the keys are; without one there are none."""
    require_key: bool = False
    """Core fills in [daemon] require_key."""
    requests_per_s: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    """Of one key, or of one address without; 0 is no limit, and None 500 where keys are needed, else no limit."""
    request_burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    """How many may come at once before that counts."""
    allow_hosts: tuple[str, ...] = ()
    """Names, without a port, that a request's Host header may carry beside this machine's own:
    "host.docker.internal"."""
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 32 << 20
    max_connections: Annotated[int, Meta(ge=1, le=10_000)] = 512
    max_requests: Annotated[int, Meta(ge=1, le=10_000)] = 256
    """Requests under way at once."""
    head_timeout_s: Seconds = 10.0
    """From the first byte of a request's head to its last."""
    body_timeout_s: Seconds = 10.0
    """For a body to arrive; large ones get a second more for each 64 KiB."""
    keep_alive_s: Seconds = 60.0
    """How long an idle connection stays open."""
    request_timeout_s: Seconds = 1800.0
    """For an answer, on either side of the line: the daemon gives up, or the client does."""
    read_timeout_s: Seconds = 10.0
    """For a client to take at least a part of what is sent to it, before it is cut off."""
    connect_timeout_s: Seconds = 5.0
    drain_timeout_s: Seconds = 10.0
    """How long a closing door waits for the requests that are under way."""
    token_ids: Literal["cl100k", "model", "reject"] = "cl100k"  # noqa: S105 - no secret
    """What token ids in the place of a text are: OpenAI's cl100k_base, the model's own, or a mistake."""
    input_type: Kind = "query"
    """What texts are embedded as when a request of OpenAI's, Ollama's or TEI's interface does not say."""
