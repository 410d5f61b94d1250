"""The store's connections: one that writes, and readers that are lent out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import apsw

from patina.errors import Failed, Unavailable
from patina.store import schema
from patina.store.complaints import explained

MAX_READERS = 16
"""Readings at once; more wait for their turn."""
BUSY_TIMEOUT_MS = 5_000
"""How long a connection waits for another, which only happens while the log of writes starts over."""
CLOSING_S = 10.0
"""What readings under way get to end by themselves when the store closes; then they are interrupted."""
INTERRUPTS = 10
MAX_IDLE_WAL_BYTES = 64 << 20
"""To what the log of writes is cut back once all of it is in the file."""
WRITER_CACHE_KIB = 32 << 10
READER_CACHE_KIB = 4 << 10

_READ_ONLY = apsw.SQLITE_OPEN_READONLY
_READ_WRITE = apsw.SQLITE_OPEN_READWRITE


class FileConnections:
    """A file's: the writer's own, and up to `MAX_READERS` that see the last commit before their reading began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = _file_writer(path)
        self._changed = threading.Condition()
        self._idle: list[apsw.Connection] = []
        self._lent: set[apsw.Connection] = set()
        self._closed = False

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """The one connection that writes: for one thread at a time."""
        yield self._writer

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection within a transaction: all that is read from it is of one moment. Not to be nested."""
        connection = self._borrow()
        try:
            with explaining(str(self._path)):
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    if connection.in_transaction:  # an error may have ended it
                        connection.execute("ROLLBACK")
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the readers first: whoever closes last moves the log of writes into the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._lent, CLOSING_S)
            for _ in range(INTERRUPTS):  # one that falls between two statements is not felt
                for connection in self._lent:
                    connection.interrupt()
                if self._changed.wait_for(lambda: not self._lent, CLOSING_S / INTERRUPTS):
                    break
            while self._idle:
                self._idle.pop().close()
        self._writer.close()

    def _borrow(self) -> apsw.Connection:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._lent) < MAX_READERS)
            if self._closed:
                raise Unavailable("The store is closed.")
            connection = self._idle.pop() if self._idle else _file_reader(self._path)
            self._lent.add(connection)
        return connection

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._changed:
            self._lent.discard(connection)
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)
            self._changed.notify_all()


class MemoryConnections:
    """A store without a file: one connection, lent to one reader or writer at a time."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._lock = threading.Lock()
        self._closed = False
        _set_up(self._connection)
        schema.prepare(self._connection, None)

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        with self._lock:
            if self._closed:
                raise Unavailable("The store is closed.")
            with explaining("in memory"):
                yield self._connection

    reading = writing

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()


Connections: TypeAlias = FileConnections | MemoryConnections


@contextmanager
def explaining(where: str) -> Iterator[None]:
    """Turn SQLite's errors into Patina's."""
    try:
        yield
    except apsw.Error as error:
        raise explained(error, where) from error


def _file_writer(path: Path) -> apsw.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        schema.private_file(path)
        schema.sync_folder(path.parent)
        with explaining(str(path)):
            connection = apsw.Connection(str(path), flags=_READ_WRITE)
            try:
                _set_up_writer(connection, path)
            except BaseException:
                connection.close()
                raise
    except OSError as error:
        raise Failed(
            f"The store {path} cannot be opened: {error.strerror}.",
            hint="Look whether its folder may be read and written by this user, and has room.",
        ) from error
    return connection


def _set_up_writer(connection: apsw.Connection, path: Path) -> None:
    _set_up(connection)
    connection.pragma("synchronous", "FULL")
    connection.pragma("cache_size", -WRITER_CACHE_KIB)
    schema.prepare(connection, path)  # before anything changes a file that is not ours
    path.chmod(0o600)  # the log of writes gets the same mode
    if connection.pragma("journal_mode", "wal") != "wal":
        raise Failed(
            f"The store {path} lies on a file system without shared memory, which SQLite's log of writes needs.",
            hint="Choose a home on a local disk.",
        )
    connection.pragma("journal_size_limit", MAX_IDLE_WAL_BYTES)


def _file_reader(path: Path) -> apsw.Connection:
    with explaining(str(path)):
        connection = apsw.Connection(str(path), flags=_READ_ONLY)
        _set_up(connection)
        connection.pragma("cache_size", -READER_CACHE_KIB)
    return connection


def _set_up(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("mmap_size", 0)  # a disk error under a map would be a signal instead of an error
    connection.pragma("wal_autocheckpoint", 0)  # the writer's thread alone decides when
    connection.pragma("foreign_keys", True)
    connection.pragma("trusted_schema", False)
    connection.pragma("cell_size_check", True)
