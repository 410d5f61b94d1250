"""A job's row: from the work that is asked for, back to it, and to what a client is shown."""

from __future__ import annotations

import time
from typing import TypeAlias, cast

import msgspec
from msgspec import structs

from patina import codec
from patina.errors import PatinaError
from patina.store import JobRecord
from patina.wire import Failure, Index, IndexPaths, IndexReport, InputFailure, Job, JobKind, Rebuild, Reports, RetryJob

Work: TypeAlias = IndexPaths | Rebuild | Index | RetryJob

MAX_ERRORS = 100
"""What is kept of a job's failed inputs, in its errors and in each of its reports."""

ENDED = ("succeeded", "failed", "cancelled")

_KINDS: dict[type[Work], JobKind] = {
    IndexPaths: "index",
    Index: "documents",
    Rebuild: "rebuild",
    RetryJob: "retry",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a row's `result` holds."""

    reports: list[IndexReport] = []
    failure: Failure | None = None

    @classmethod
    def of(cls, reply: object, error: PatinaError | None) -> Outcome:
        """From a run's reply, if it came to one, and the error that ended it, if one did."""
        reports = reply.reports if isinstance(reply, Reports) else [reply] if isinstance(reply, IndexReport) else []
        return cls(reports=reports, failure=Failure.of(error) if error else None)

    def brief(self) -> Outcome:
        """With as many failed inputs as a row keeps."""
        reports = [structs.replace(report, failed=report.failed[:MAX_ERRORS]) for report in self.reports]
        return structs.replace(self, reports=reports)


def new(work: Work, collection: str, *, kept: bool) -> JobRecord:
    """The row of a job to come. One that is not `kept` cannot be run again once the process is gone."""
    return JobRecord(
        kind=_KINDS[type(work)],
        collection=collection,
        request=written(work) if kept else "",
        created_at=time.time(),
    )


def written(work: Work) -> str:
    """Work as a row has it; raises `InvalidRequest` for a text that UTF-8 cannot hold."""
    return codec.encode(work).decode()


def read(request: str) -> Work:
    """Work from a row; raises `InvalidRequest` when another version has written it."""
    work: Work = codec.decode(request.encode(), Work)  # type: ignore[arg-type]  # a union is not a `type`
    return work


def over(record: JobRecord) -> bool:
    """Whether nothing more comes by itself: an interrupted job that has not ended goes on when a daemon runs."""
    return record.state in ENDED or (record.state == "interrupted" and record.ended_at is not None)


def shown(record: JobRecord) -> Job:
    """A row as a client sees it."""
    outcome = msgspec.json.decode(record.result, type=Outcome) if record.result else Outcome()
    return Job(
        id=record.id,
        kind=cast("JobKind", record.kind),
        repo=record.collection,
        state=record.state,
        stage=record.stage,
        done=record.done,
        total=record.total,
        failed=record.failed,
        errors=[InputFailure(path=path, reason=reason) for path, reason in record.errors],
        cursor=record.cursor,
        message=record.message or None,
        failure=outcome.failure,
        attempts=record.attempts,
        reports=outcome.reports,
        created_at=record.created_at or 0.0,
        started_at=record.started_at,
        ended_at=record.ended_at,
    )


def brief(job: Job) -> Job:
    """A job as a list has it."""
    return structs.replace(job, errors=[], reports=[])
