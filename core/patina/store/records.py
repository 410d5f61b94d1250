"""What is handed to the store, and what it says of its collections."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import msgspec

from patina.types import Chunk, Document


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A document with all of its chunks, in their order: their positions count from 0.

    A chunk's repo, path, location, title, language and metadata are its document's; the store keeps them once.
    """

    document: Document
    chunks: list[Chunk]
    simhash: int | None = None
    """The fingerprint by which near-duplicates are found, 64 bits; None keeps none."""


Ack: TypeAlias = Literal["durable", "written"]
"""When a write is done: once it is on the disk, or once it would survive the end of the process.

What is only written is on the disk at most a second later, or with the next durable write.
"""
JobState: TypeAlias = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled", "interrupted"]


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that outlives the process: what was asked, how far it is, and what came of it."""

    id: int = 0
    """Given by the store; 0 = not saved yet."""
    kind: str
    collection: str = ""
    request: str = ""
    """JSON, enough to run it again; empty when a client feeds it."""
    state: JobState = "queued"
    stage: str = ""
    done: int = 0
    total: int | None = None
    cursor: str | None = None
    """Where to go on after an interruption."""
    failed: int = 0
    errors: list[tuple[str, str]] = []
    """Paths and reasons, as many as the job cared to keep."""
    result: str = ""
    """JSON, whatever the job reports at its end."""
    message: str = ""
    attempts: int = 0
    created_at: float | None = None
    """Unix time; of a record without one the store's own clock says it."""
    started_at: float | None = None
    ended_at: float | None = None


class JobMark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is once a write is there: saved in the write's own transaction."""

    id: int
    stage: str
    done: int
    total: int | None = None
    cursor: str | None = None
    failed: int = 0


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together: some documents of one collection replaced, some removed, a cursor moved."""

    collection: str
    puts: list[Entry] = []
    deletes: list[str] = []
    """Paths of documents; one that is not there, or is in `puts` too, is passed over."""
    drop_chunks: list[str] = []
    """Ids of passages to remove from documents that stay, before `puts`; their neighbours close up."""
    cursor: tuple[str, str] | None = None
    """How far a source has been read: its name and whatever it needs to go on from there."""
    job: JobMark | None = None
    ack: Ack = "durable"


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of documents, and what its vectors and its index are made with."""

    name: str
    root: str = ""
    """The absolute folder that document paths are relative to; empty for documents handed over as data."""
    embedder: str = ""
    index: str = ""
    identity: str = ""
    """sha256 of the embedder's artefact; empty while no model has been seen."""
    model: str = ""
    dimension: int = 0
    created_at: float = 0.0
    """Unix time, set by the store when the collection is first saved."""
    indexed_at: float | None = None
    """Unix time of the last write, set by the store."""


class Waiting(NamedTuple):
    """A text that a collection has no vector for."""

    digest: str
    text: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A text that the collection's model refused, and one of the chunks that have it."""

    digest: str
    reason: str
    attempts: int
    failed_at: float
    """Unix time of the last attempt."""
    id: str
    path: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much a collection holds; of its chunks, those whose vector is known and those whose text was refused."""

    documents: int = 0
    chunks: int = 0
    embedded: int = 0
    failed: int = 0


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection takes, in bytes and in entries of the log."""

    text_bytes: int
    vector_bytes: int
    log_entries: int
    log_deletes: int
    """Those of them that only say what is gone."""
    last_commit: float | None
    """Unix time of the last write."""
