"""The rows of jobs: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Collection as Names
from typing import Any

import apsw
import msgspec

from patina.errors import JobNotFound
from patina.store.records import JobMark, JobRecord, JobState
from patina.types import Seq

KEPT = 1_000
"""Jobs that have ended and are remembered; older ones go when another is added."""

_ADD = """
    INSERT INTO jobs
    VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, unixepoch('subsec')), ?, ?)
"""
_SAVE = """
    UPDATE jobs SET (
        kind, collection, request, state, stage, done, total, cursor, failed, errors, result, message, attempts,
        created_at, started_at, ended_at
    ) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, created_at), ?, ?)
    WHERE key = ?
"""
_MARK = "UPDATE jobs SET stage = ?, done = ?, total = ?, cursor = ?, failed = ? WHERE key = ?"
_PRUNE = """
    DELETE FROM jobs WHERE key IN (
        SELECT key FROM jobs WHERE state NOT IN ('queued', 'running', 'cancelling') ORDER BY key DESC LIMIT -1 OFFSET ?
    )
"""
_RECENT = """
    SELECT * FROM jobs WHERE ?1 = '[]' OR state IN (SELECT value FROM json_each(?1))
    ORDER BY key DESC LIMIT ?2
"""
_errors = msgspec.json.Decoder(list[tuple[str, str]])


def add(connection: apsw.Connection, record: JobRecord) -> int:
    """Make a row of a new job and forget the oldest that ended long ago; returns its id, which none had before."""
    connection.execute(_ADD, _row(record))
    key = connection.last_insert_rowid()
    connection.execute(_PRUNE, (KEPT,))
    return key


def save(connection: apsw.Connection, record: JobRecord) -> Seq:
    """Replace a job's row; returns 0, for a job moves no log. Raises `JobNotFound`."""
    connection.execute(_SAVE, (*_row(record), record.id))
    _found(connection, record.id)
    return 0


def mark(connection: apsw.Connection, mark: JobMark) -> None:
    """Say how far a job is. Raises `JobNotFound`."""
    connection.execute(_MARK, (mark.stage, mark.done, mark.total, mark.cursor, mark.failed, mark.id))
    _found(connection, mark.id)


def find(connection: apsw.Connection, id: int) -> JobRecord | None:
    row = connection.execute("SELECT * FROM jobs WHERE key = ?", (id,)).fetchone()
    return _record(row) if row else None


def recent(connection: apsw.Connection, states: Names[JobState], limit: int) -> list[JobRecord]:
    """Newest first; of any state if none is given."""
    wanted = msgspec.json.encode(list(states)).decode()
    return [_record(row) for row in connection.execute(_RECENT, (wanted, limit))]


def _found(connection: apsw.Connection, id: int) -> None:
    if not connection.changes():
        raise JobNotFound(f"There is no job {id}.", hint="`patina jobs list` shows those that are remembered.")


def _row(record: JobRecord) -> list[object]:
    values = msgspec.structs.asdict(record)
    values["errors"] = msgspec.json.encode(record.errors).decode()
    del values["id"]
    return list(values.values())


def _record(row: tuple[Any, ...]) -> JobRecord:
    values = dict(zip(JobRecord.__struct_fields__, row, strict=True))
    values["errors"] = _errors.decode(values["errors"])
    return JobRecord(**values)
