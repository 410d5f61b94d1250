"""Looking after what is there: verify, count, delete, export and import, back up."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from patina.types import Fault
from patina.wire.asking import Passage
from patina.wire.jobs import Job
from patina.wire.message import Event, Name, PathText, Reply, Request


class VerifyReport(Reply, frozen=True, kw_only=True):
    ok: bool
    collections: int
    chunks: int
    faults: list[Fault]
    took_ms: float


class Verify(Request[VerifyReport], frozen=True, kw_only=True, tag="verify"):
    """Compare the store with itself and every arm with the store; `full` reads every byte."""

    repos: list[Name] = []
    full: bool = False


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk's document was made from, so that an import restores it as it was."""

    digest: str
    size: Annotated[int, Meta(ge=0)] = 0
    modified_ns: Annotated[int, Meta(ge=0)] = 0
    chunker: str = ""


class ChunkLine(Passage, frozen=True, kw_only=True):
    """A chunk as a line of an export has it: all that is needed to put it back."""

    start_byte: Annotated[int, Meta(ge=0)]
    end_byte: Annotated[int, Meta(ge=0)]
    language: str
    metadata: dict[str, str]
    document: Origin


class ExportedChunk(ChunkLine, Event, frozen=True, kw_only=True, tag="chunk"):
    """A line of an export on its way."""


class Exported(Event, frozen=True, kw_only=True, tag="exported"):
    chunks: int


class Export(Request[Exported], frozen=True, kw_only=True, tag="export"):
    """Stream every chunk, collection by collection, in the documents' order."""

    repos: list[Name] = []


class OpenImport(Request[Job], frozen=True, kw_only=True, tag="open_import"):
    """Begin to hand over an export, or go on with one that was broken off: the job's `cursor` says after which line.

    `digest` is the source's; another one under the same name is refused unless `force` begins anew.
    """

    source: PathText
    digest: Name
    lines: Annotated[int, Meta(ge=0)] | None = None
    repo: Name | None = None
    """Where to put everything; null keeps the collections' names."""
    force: bool = False


class ImportBatch(Request[Job], frozen=True, kw_only=True, tag="import_batch"):
    """Some whole documents. The reply comes when they are durable: it is what holds the sender back."""

    job: int
    chunks: Annotated[list[ChunkLine], Meta(min_length=1, max_length=20_000)]
    upto: Annotated[int, Meta(ge=1)]
    """The number of the last line that the batch covers."""


class CloseImport(Request[Job], frozen=True, kw_only=True, tag="close_import"):
    """All has been handed over."""

    job: int


class Deleted(Reply, frozen=True, kw_only=True):
    documents: int
    chunks: int
    unknown: list[str]
    """Names that nothing has."""
    note: str | None = None


class Delete(Request[Deleted], frozen=True, kw_only=True, tag="delete"):
    """Remove chunks by id, documents by path or URL, all below a folder, or with `everything` the whole collection."""

    repo: Name
    ids: Annotated[list[Name], Meta(max_length=10_000)] = []
    paths: Annotated[list[PathText], Meta(max_length=10_000)] = []
    folder: PathText | None = None
    everything: bool = False


class CollectionStats(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    documents: int
    chunks: int
    embedded: int
    failed: int
    text_bytes: int
    vector_bytes: int
    index: dict[str, int]
    """What the index counts: "lexical_chunks", "dense_vectors", "dense_dead", "bytes" …"""
    deleted_ratio: float
    """Entries of the index that are dead and not yet reclaimed, as a share."""
    log_entries: int
    seq: int
    """The collection's last position in the log."""
    applied: int
    """How far its index has come."""
    last_commit: float | None
    """Unix time."""


class StatsReply(Reply, frozen=True, kw_only=True):
    collections: list[CollectionStats]
    store_bytes: int
    wal_bytes: int
    format: int


class Stats(Request[StatsReply], frozen=True, kw_only=True, tag="stats"):
    """Count everything; takes longer than `Status`."""

    repos: list[Name] = []


class Committed(Reply, frozen=True, kw_only=True):
    seq: int
    """The log's last position: everything up to it is on the disk and in the indexes."""


class Commit(Request[Committed], frozen=True, kw_only=True, tag="commit"):
    """Answered once all that was taken in before is durable and found by words."""


class BackupPart(Event, frozen=True, kw_only=True, tag="backup_part"):
    data: bytes


class BackupDone(Event, frozen=True, kw_only=True, tag="backup_done"):
    size: int
    digest: str
    """blake2b-128 of the file, in hex."""
    seq: int


class Backup(Request[BackupDone], frozen=True, kw_only=True, tag="backup"):
    """Stream a consistent copy of the store, while it goes on being written."""


class RebuildStep(msgspec.Struct, frozen=True, kw_only=True):
    repo: str
    arm: str
    reason: str
    chunks: int


class RebuildPlan(Reply, frozen=True, kw_only=True):
    steps: list[RebuildStep]
    """Nothing, when every index is right."""


class PlanRebuild(Request[RebuildPlan], frozen=True, kw_only=True, tag="plan_rebuild"):
    """Say what `Rebuild` would have to do; changes nothing."""

    repos: list[Name] = []
