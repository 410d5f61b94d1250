"""A copy of the whole file, of one moment, while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from patina.store import schema
from patina.store.complaints import explained, explained_file

PAGES_AT_ONCE = 4_096
"""After so many a store that is being closed can end the copying."""


def copy(connection: apsw.Connection, target: Path) -> None:
    """Write what a reader's transaction sees into a file that does not exist yet, and wait for the disk.

    The copy needs no log of writes beside it. Raises `StorageFull`, `StorageFailed`.
    """
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # from here on it sees one moment
    try:
        schema.private_file(target)
        _fill(connection, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        schema.sync_folder(target.parent)
    except OSError as error:
        raise explained_file(error, str(target)) from error


def _fill(connection: apsw.Connection, target: Path) -> None:
    made = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with made.backup("main", connection, "main") as copying:
            while not copying.done:
                copying.step(PAGES_AT_ONCE)
        made.pragma("journal_mode", "delete")
    except apsw.Error as error:
        raise explained(error, str(target), made.system_errno) from error
    finally:
        made.close()
