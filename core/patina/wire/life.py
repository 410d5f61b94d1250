"""Is anybody there, how are they, and end."""

from __future__ import annotations

from patina.wire.jobs import Job
from patina.wire.message import Reply, Request


class Pong(Reply, frozen=True, kw_only=True):
    version: str
    pid: int
    trouble: str | None
    """Why it cannot do all that it is there for, if so."""


class Ping(Request[Pong], frozen=True, kw_only=True, tag="ping"):
    """Is anybody there?"""


class CollectionStatus(Reply, frozen=True, kw_only=True):
    name: str
    root: str
    documents: int
    chunks: int
    embedded: int
    """Chunks whose vector is known."""
    failed: int = 0
    """Chunks that the model refused; `patina jobs retry` tries them again."""
    model: str
    """The model that the vectors are from; empty before the first."""
    indexed_at: float | None
    """Unix time of the last commit."""
    problem: str | None = None
    """Why the collection cannot answer in full, if so."""


class StatusReply(Reply, frozen=True, kw_only=True):
    version: str
    pid: int
    home: str
    uptime_s: float
    endpoints: list[str]
    model: str | None
    """The default embedder's model; null without one."""
    model_loaded: bool
    waiting: int
    """Texts that wait for the model."""
    rss_mb: float
    collections: list[CollectionStatus]
    notes: list[str] = []
    """What is missing or broken, each with the next step."""
    jobs: list[Job] = []
    """Those that are queued or under way."""
    recovered: str | None = None
    """What was brought back at the start, if the last process ended without closing the store."""


class Status(Request[StatusReply], frozen=True, kw_only=True, tag="status"):
    """How the daemon and its collections are. Never loads a model."""


class Stopping(Reply, frozen=True, kw_only=True):
    pid: int


class Shutdown(Request[Stopping], frozen=True, kw_only=True, tag="shutdown"):
    """End the daemon once what is in flight has ended."""
