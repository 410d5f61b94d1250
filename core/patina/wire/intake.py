"""Documents and files on their way in."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from patina.wire.message import Event, InputFailure, Name, PathText, Request, Text

Ack: TypeAlias = Literal["durable", "written", "queued"]
"""When a write is answered: once it survives a power cut; once it survives the process; at once, as a job."""


class InputDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document handed over as data. Its name in the collection is `id`, else `path`, else `url`, else its digest."""

    text: Text
    id: PathText | None = None
    path: PathText | None = None
    title: Annotated[str, Meta(max_length=1000)] = ""
    url: PathText | None = None
    metadata: dict[str, str] = {}
    modified_at: Annotated[float, Meta(ge=0, le=1e11)] | None = None
    """Unix time, for filters; null takes the time at which it is taken in."""


class IndexReport(Event, frozen=True, kw_only=True, tag="index_report"):
    """What an index request did. The last event of its stream, and its reply."""

    repo: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    """Documents."""
    chunks: int = 0
    """Chunks written."""
    embedded: int = 0
    """Chunks that needed the model."""
    skipped: dict[str, int] = {}
    """Inputs passed over on purpose, counted by reason: ignored, binary, too_large, secret, link, near_duplicate."""
    failed: list[InputFailure] = []
    note: str | None = None
    """What is left undone, in a sentence: no model is installed, embedding goes on behind."""
    took_ms: float = 0.0
    job: int | None = None
    """Where a write that was only queued can be watched."""


class Index(Request[IndexReport], frozen=True, kw_only=True, tag="index"):
    """Take in documents. With `wait` the reply comes when they are searchable in full, else once they are durable."""

    repo: Name
    documents: Annotated[list[InputDocument], Meta(min_length=1, max_length=10_000)]
    wait: bool = True
    ack: Ack = "durable"
    """The reply to less than "durable" waits for no embedding either; the job of "queued" ones does, with `wait`."""


class Reports(Event, frozen=True, kw_only=True, tag="reports"):
    """One report for each collection that an `IndexPaths` touched."""

    reports: list[IndexReport]


class IndexPaths(Request[Reports], frozen=True, kw_only=True, tag="index_paths"):
    """Take in files and folders of the daemon's machine: absolute paths."""

    paths: Annotated[list[PathText], Meta(min_length=1, max_length=1000)]
    name: Name | None = None
    """The collection to use; the paths' common folder becomes its root if it is new."""
    wait: bool = True
    strict: bool = False
    """Stop at the first input that fails."""


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """`stage` is "read" (in documents), "embed" (in chunks), "import" (in lines), or "queued": it has not begun."""

    repo: str
    stage: str
    done: int
    total: int | None
    rate: float = 0.0
    """Per second."""
    eta_s: float | None = None


class Rebuild(Request[IndexReport], frozen=True, kw_only=True, tag="rebuild"):
    """Throw a collection's index away and derive it again, with the model that is configured now."""

    repo: Name
