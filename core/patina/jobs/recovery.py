"""What becomes of the jobs that a process has left behind."""

from __future__ import annotations

import time

from msgspec import structs

from patina.errors import InvalidRequest
from patina.jobs import record
from patina.store import JobRecord, JobState

MAX_ATTEMPTS = 3
"""How often a job is begun by itself; perhaps it is what the daemon dies of."""


def found(row: JobRecord) -> JobRecord:
    """A job as it is, now that nobody runs it: it has ended, or it has not and may go on."""
    if record.over(row):
        return row
    if row.state == "cancelling":
        return _ended(row, "cancelled", "What was stored is kept.")
    if not row.request:
        return _ended(row, "interrupted", _only_the_client(row))
    if not _readable(row):
        return _ended(row, "failed", "Another version of Patina began it: run its command again.")
    return _interrupted(row) if row.state == "running" else row


def _interrupted(row: JobRecord) -> JobRecord:
    if row.attempts < MAX_ATTEMPTS:
        return structs.replace(row, state="interrupted", message="It goes on when a daemon runs.")
    again = f"Go on with it by `patina jobs resume {row.id}`."
    return _ended(row, "interrupted", f"It was interrupted {row.attempts} times. {again}")


def _ended(row: JobRecord, state: JobState, message: str) -> JobRecord:
    return structs.replace(row, state=state, ended_at=time.time(), message=message)


def _only_the_client(row: JobRecord) -> str:
    if row.kind == "import":
        return "Its client is gone: the same `patina import` goes on where it ended."
    return "The documents that were not stored yet are lost: hand them over again."


def _readable(row: JobRecord) -> bool:
    try:
        record.read(row.request)
    except InvalidRequest:
        return False
    return True
