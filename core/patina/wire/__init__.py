"""Every request and reply, one Struct each: the words that all transports speak.

A request is generic in its reply: ``class Scry(Request[Hits], tag="scry")`` makes ``await service.handle(Scry(...))`` a
`Hits` for the type checker too. Over a socket a request is told apart by its tag in the field ``op``; an HTTP route
knows its request and needs no tag. Fields may be added, never renamed. Vectors are raw little-endian float32 bytes.
"""

from __future__ import annotations

from typing import TypeAlias

from patina.wire.asking import ArmScore, Filter, Hit, Hits, Passage, Scry, Why
from patina.wire.failure import Failure, checked, invalid
from patina.wire.intake import Ack, Index, IndexPaths, IndexReport, InputDocument, Progress, Rebuild, Reports
from patina.wire.jobs import (
    CancelJob,
    Job,
    JobKind,
    JobList,
    JobNumber,
    JobState,
    ListJobs,
    ResumeJob,
    RetryJob,
    ShowJob,
    Start,
    Watched,
    WatchJob,
)
from patina.wire.keeping import (
    Backup,
    BackupDone,
    BackupPart,
    ChunkLine,
    CloseImport,
    CollectionStats,
    Commit,
    Committed,
    Delete,
    Deleted,
    Export,
    Exported,
    ExportedChunk,
    ImportBatch,
    OpenImport,
    Origin,
    PlanRebuild,
    RebuildPlan,
    RebuildStep,
    Stats,
    StatsReply,
    Verify,
    VerifyReport,
)
from patina.wire.life import CollectionStatus, Ping, Pong, Shutdown, Status, StatusReply, Stopping
from patina.wire.message import Caller, Event, InputFailure, Name, PathText, QueryText, Reply, Request, Text
from patina.wire.vectors import (
    MAX_EMBED_TEXTS,
    Detokenize,
    Detokenized,
    Embed,
    Embeddings,
    ModelEntry,
    ModelList,
    Models,
    Truncate,
)
from patina.wire.watching import (
    CacheReply,
    CacheStats,
    ClearCache,
    Measure,
    Metrics,
    MetricsReply,
    Sample,
    WarmCache,
)

AnyRequest: TypeAlias = (
    Scry
    | Index
    | IndexPaths
    | Rebuild
    | Embed
    | Detokenize
    | Models
    | Start
    | ListJobs
    | ShowJob
    | WatchJob
    | CancelJob
    | ResumeJob
    | RetryJob
    | Ping
    | Status
    | Shutdown
    | Verify
    | Export
    | OpenImport
    | ImportBatch
    | CloseImport
    | Delete
    | Stats
    | Commit
    | Backup
    | PlanRebuild
    | Metrics
    | CacheStats
    | ClearCache
    | WarmCache
)
AnyEvent: TypeAlias = IndexReport | Reports | Progress | Watched | ExportedChunk | Exported | BackupPart | BackupDone

__all__ = [
    "MAX_EMBED_TEXTS",
    "Ack",
    "AnyEvent",
    "AnyRequest",
    "ArmScore",
    "Backup",
    "BackupDone",
    "BackupPart",
    "CacheReply",
    "CacheStats",
    "Caller",
    "CancelJob",
    "ChunkLine",
    "ClearCache",
    "CloseImport",
    "CollectionStats",
    "CollectionStatus",
    "Commit",
    "Committed",
    "Delete",
    "Deleted",
    "Detokenize",
    "Detokenized",
    "Embed",
    "Embeddings",
    "Event",
    "Export",
    "Exported",
    "ExportedChunk",
    "Failure",
    "Filter",
    "Hit",
    "Hits",
    "ImportBatch",
    "Index",
    "IndexPaths",
    "IndexReport",
    "InputDocument",
    "InputFailure",
    "Job",
    "JobKind",
    "JobList",
    "JobNumber",
    "JobState",
    "ListJobs",
    "Measure",
    "Metrics",
    "MetricsReply",
    "ModelEntry",
    "ModelList",
    "Models",
    "Name",
    "OpenImport",
    "Origin",
    "Passage",
    "PathText",
    "Ping",
    "PlanRebuild",
    "Pong",
    "Progress",
    "QueryText",
    "Rebuild",
    "RebuildPlan",
    "RebuildStep",
    "Reply",
    "Reports",
    "Request",
    "ResumeJob",
    "RetryJob",
    "Sample",
    "Scry",
    "ShowJob",
    "Shutdown",
    "Start",
    "Stats",
    "StatsReply",
    "Status",
    "StatusReply",
    "Stopping",
    "Text",
    "Truncate",
    "Verify",
    "VerifyReport",
    "WarmCache",
    "WatchJob",
    "Watched",
    "Why",
    "checked",
    "invalid",
]
