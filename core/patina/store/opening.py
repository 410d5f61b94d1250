"""Opening the file: made private, brought up to date, and set up so that a commit waits for the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from patina.durable import private_file, sync_folder
from patina.errors import StorageFailed
from patina.store import schema, wal
from patina.store.complaints import explained, explained_file

BUSY_TIMEOUT_MS = 5_000
"""How long a connection waits for another, which only happens while the log of writes starts over."""
MAX_IDLE_WAL_BYTES = 64 << 20
"""To what the log of writes is cut back once all of it is in the file."""
WRITER_CACHE_KIB = 32 << 10
READER_CACHE_KIB = 4 << 10

_READ_ONLY = apsw.SQLITE_OPEN_READONLY
_READ_WRITE = apsw.SQLITE_OPEN_READWRITE


def make(path: Path) -> None:
    """Make sure that the file exists, durably, and is nobody else's to read. Raises `StorageFull`, `StorageFailed`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file(path)
        sync_folder(path.parent)
    except OSError as error:
        raise explained_file(error, str(path), opening=True) from error


def writer(path: Path) -> apsw.Connection:
    """A connection that may write; whatever the log of writes still held of an earlier process is seen by it.

    Raises `Corrupt`, `StorageFull`, `StorageFailed`.
    """
    return _connected(path, _READ_WRITE, _set_up_writer)


def reader(path: Path) -> apsw.Connection:
    """A connection that only reads. Raises as `writer` does."""
    return _connected(path, _READ_ONLY, _set_up_reader)


def set_up(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("mmap_size", 0)  # a disk error under a map would be a signal instead of an error
    connection.pragma("temp_store", "memory")  # another disk, perhaps full, has no say in a commit
    connection.pragma("wal_autocheckpoint", 0)  # the writer's thread alone decides when
    connection.pragma("foreign_keys", True)
    connection.pragma("trusted_schema", False)
    connection.pragma("cell_size_check", True)


def log_bytes(connection: apsw.Connection) -> int:
    """The size of the log of writes up to the end of the last commit. Reads no disk."""
    pages, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return wal.end(max(0, pages), connection.pragma("page_size"))


def recovered(connection: apsw.Connection, path: Path) -> str | None:
    """A sentence if the log of writes held commits, as it does unless the file was closed; None if it did not."""
    log = wal.beside(path)
    if not log.exists() or not log.stat().st_size:
        return None
    pages, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    torn = wal.unfinished(log, log_bytes(connection))
    if pages <= 0 and not torn:
        return None
    sentence = f"The store was not closed properly; {max(0, pages)} pages were taken over from its log of writes"
    return f"{sentence}, and {torn} bytes of a write that never ended were left out." if torn else f"{sentence}."


def _connected(path: Path, flags: int, prepare: Callable[[apsw.Connection, Path], None]) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags)
    except apsw.Error as error:
        raise explained(error, str(path)) from error
    try:
        prepare(connection, path)
    except apsw.Error as error:
        number = connection.system_errno
        connection.close()
        raise explained(error, str(path), number) from error
    except OSError as error:
        connection.close()
        raise explained_file(error, str(path), opening=True) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up_reader(connection: apsw.Connection, _path: Path) -> None:
    set_up(connection)
    connection.pragma("cache_size", -READER_CACHE_KIB)


def _set_up_writer(connection: apsw.Connection, path: Path) -> None:
    set_up(connection)
    connection.pragma("synchronous", "FULL")
    connection.pragma("cache_size", -WRITER_CACHE_KIB)
    schema.prepare(connection, path)  # before anything changes a file that is not ours
    path.chmod(0o600)  # the log of writes gets the same mode
    if connection.pragma("journal_mode", "wal") != "wal":
        raise StorageFailed(
            f"The store {path} lies on a file system without shared memory, which SQLite's log of writes needs.",
            hint="Choose a home on a local disk.",
        )
    connection.pragma("fullfsync", True)  # says something on macOS alone
    connection.pragma("journal_size_limit", MAX_IDLE_WAL_BYTES)
