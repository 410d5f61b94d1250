"""Work that goes on by itself, survives the daemon, and can be watched."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from patina.wire.failure import Failure
from patina.wire.intake import Index, IndexPaths, IndexReport, Rebuild
from patina.wire.message import Event, InputFailure, Name, Reply, Request

JobKind: TypeAlias = Literal["index", "documents", "rebuild", "retry", "import"]
JobState: TypeAlias = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled", "interrupted"]
JobNumber = Annotated[int, Meta(ge=1)]


class Job(Reply, frozen=True, kw_only=True):
    """One piece of work, as it is now."""

    id: int
    kind: JobKind
    repo: str
    """The collection; empty while that is not known, or when there are several."""
    state: JobState
    stage: str = ""
    """"read" (in documents), "embed" (in chunks), "import" (in lines)."""
    done: int = 0
    total: int | None = None
    rate: float = 0.0
    """Per second; 0 unless it runs."""
    eta_s: float | None = None
    failed: int = 0
    """Inputs that could not be taken in."""
    errors: list[InputFailure] = []
    """The first hundred of them."""
    cursor: str | None = None
    """How far it has come, durably: from here it goes on."""
    message: str | None = None
    """Why it ended as it did, or what is left to do."""
    failure: Failure | None = None
    """The error that ended it, as its request would have been refused with."""
    attempts: int = 1
    """How often it was begun; what a shutdown ended does not count."""
    reports: list[IndexReport] = []
    """What it did, once it has ended."""
    created_at: float
    """Unix times."""
    started_at: float | None = None
    ended_at: float | None = None
    """Null while there is something to come: an interrupted job without it goes on when a daemon runs."""


class Start(Request[Job], frozen=True, kw_only=True, tag="start"):
    """Begin, and answer at once with the job."""

    work: IndexPaths | Rebuild | Index


class JobList(Reply, frozen=True, kw_only=True):
    jobs: list[Job]
    """The newest first, without their errors and reports, which `ShowJob` has."""


class ListJobs(Request[JobList], frozen=True, kw_only=True, tag="list_jobs"):
    states: list[JobState] = []
    """None means all."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


class ShowJob(Request[Job], frozen=True, kw_only=True, tag="show_job"):
    id: JobNumber


class Watched(Event, frozen=True, kw_only=True, tag="watched"):
    """The job that was watched, now that it has ended."""

    job: Job


class WatchJob(Request[Watched], frozen=True, kw_only=True, tag="watch_job"):
    """Stream its progress until it ends. Whoever stops watching does not stop the job."""

    id: JobNumber


class CancelJob(Request[Job], frozen=True, kw_only=True, tag="cancel_job"):
    """End it within one batch; what is committed stays. One that has ended already is left as it is."""

    id: JobNumber


class ResumeJob(Request[Job], frozen=True, kw_only=True, tag="resume_job"):
    """Go on with one that was interrupted, cancelled or failed."""

    id: JobNumber


class RetryJob(Request[Job], frozen=True, kw_only=True, tag="retry_job"):
    """Try a job's failed inputs once more, and the chunks that the model refused.

    Without an `id` only the chunks, those of the collections named, or of all: a job of its own.
    """

    id: JobNumber | None = None
    repos: Annotated[list[Name], Meta(max_length=1000)] = []
