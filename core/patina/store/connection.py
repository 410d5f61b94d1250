"""The store's connections: one that writes, and readers that are lent out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import apsw

from patina.errors import Unavailable
from patina.store import copies, opening, schema, wal
from patina.store.complaints import explained, explained_file

MAX_READERS = 16
"""Readings at once; more wait for their turn."""
CLOSING_S = 10.0
"""What readings under way get to end by themselves when the store closes; then they are interrupted."""
INTERRUPTS = 10

log = logging.getLogger(__name__)


class FileConnections:
    """A file's: the writer's own, and up to `MAX_READERS` that see the last commit before their reading began.

    When the disk fails under the writer, nothing more is written until the disk works again and the file was opened
    anew (`_heal`); readers go on meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = wal.beside(path)
        self._changed = threading.Condition()
        self._idle: list[apsw.Connection] = []
        self._lent: set[apsw.Connection] = set()
        self._closed = False
        self._emptying = False
        self._ill = False
        self._durable = True
        self.unsynced_since: float | None = None
        """When the oldest commit was made that may not be on the disk, by the monotonic clock."""
        self.wal_pages = 0
        """How long the log of writes was after the last commit."""
        opening.make(path)
        self._writer = opening.writer(path)
        self.recovered = opening.recovered(self._writer, path)
        self._writer.set_wal_hook(self._note_commit)

    @contextmanager
    def writing(self, durable: bool = True) -> Iterator[apsw.Connection]:
        """The one connection that writes, for one thread at a time; a durable commit waits for the disk.

        Raises `StorageFull`, `StorageFailed`, `Corrupt`.
        """
        if self._ill:
            self._heal()
        writer = self._writer
        try:
            if durable != self._durable:
                writer.pragma("synchronous", "FULL" if durable else "NORMAL")
                self._durable = durable
            yield writer
        except apsw.Error as error:
            number = writer.system_errno
            if isinstance(error, apsw.IOError):
                self._fall_ill()
            raise explained(error, str(self._path), number) from error

    def sync(self) -> None:
        """Wait until everything that was committed is on the disk. Raises `StorageFull`, `StorageFailed`."""
        if self.unsynced_since is None:
            return
        if self._ill:
            self._heal()
        try:
            wal.sync(self._wal)
        except OSError as error:
            self._fall_ill()
            raise explained_file(error, str(self._path)) from error
        self.unsynced_since = None

    def copy(self, target: Path) -> None:
        """Lay a copy of the last commit at `target`, whole and on the disk; writing goes on meanwhile.

        Raises `StorageFull`, `StorageFailed`, and leaves nothing then.
        """
        connection = self._borrow()
        try:
            copies.copy(connection, target)
        except OSError as error:
            raise explained_file(error, str(target), opening=True) from error
        except apsw.Error as error:
            raise explained(error, str(target), connection.system_errno) from error
        finally:
            self._give_back(connection)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection within a transaction: all that is read from it is of one moment. Not to be nested."""
        connection = self._borrow()
        try:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # an error may have ended it
                    connection.execute("ROLLBACK")
        except apsw.Error as error:
            raise explained(error, str(self._path), connection.system_errno) from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the readers first: whoever closes last moves the log of writes into the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._empty()
        self._close_writer()

    def _fall_ill(self) -> None:
        """Remember that the disk failed, and cut off what a commit left behind that was refused."""
        self._ill = True
        try:
            self._cut_refused()
        except (apsw.Error, OSError) as error:  # tried again before the next write
            log.warning("the end of a refused write stays in %s for now: %s", self._wal, error)

    def _cut_refused(self) -> None:
        with suppress(apsw.ConnectionClosedError):  # one that could not be opened again has left nothing behind
            wal.cut(self._wal, opening.log_bytes(self._writer))

    def _heal(self) -> None:
        """Open the file anew after the disk failed. Raises `StorageFull`, `StorageFailed` while it does not work.

        A sync that failed may have lost what it was about, and the next one would not say so. All of the log of writes
        is therefore written and synced once more; then every connection is closed, and SQLite finds out from the log
        itself what was committed. Readers are only disturbed once the disk works.
        """
        try:
            self._cut_refused()
            wal.rewrite(self._wal)
        except OSError as error:
            raise explained_file(error, str(self._path)) from error
        except apsw.Error as error:
            raise explained(error, str(self._path), self._writer.system_errno) from error
        with self._changed:
            self._empty()
            self._close_writer()
            self._writer = opening.writer(self._path)
        self._writer.set_wal_hook(self._note_commit)
        self._ill, self._durable, self.unsynced_since = False, True, None
        log.warning("the disk works again: %s was opened anew", self._path)

    def _close_writer(self) -> None:
        if self._ill:  # the log of writes stays as it is: the file is not to be changed on its word
            with suppress(apsw.ConnectionClosedError):
                self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._writer.close()

    def _note_commit(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.wal_pages = pages
        if self._durable:
            self.unsynced_since = None
        elif self.unsynced_since is None:
            self.unsynced_since = time.monotonic()
        return apsw.SQLITE_OK

    def _borrow(self) -> apsw.Connection:
        with self._changed:
            self._changed.wait_for(self._may_borrow)
            if self._closed:
                raise Unavailable("The store is closed.")
            connection = self._idle.pop() if self._idle else opening.reader(self._path)
            self._lent.add(connection)
        return connection

    def _may_borrow(self) -> bool:
        return self._closed or (not self._emptying and len(self._lent) < MAX_READERS)

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._changed:
            self._lent.discard(connection)
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)
            self._changed.notify_all()

    def _empty(self) -> None:
        """Close every reader, while the lock is held; readings under way may end, then they are interrupted."""
        self._emptying = True
        self._changed.wait_for(lambda: not self._lent, CLOSING_S)
        for _ in range(INTERRUPTS):  # one that falls between two statements is not felt
            for connection in self._lent:
                connection.interrupt()
            if self._changed.wait_for(lambda: not self._lent, CLOSING_S / INTERRUPTS):
                break
        while self._idle:
            self._idle.pop().close()
        self._emptying = False
        self._changed.notify_all()


class MemoryConnections:
    """A store without a file: one connection, lent to one reader or writer at a time."""

    recovered: str | None = None
    unsynced_since: float | None = None
    wal_pages = 0

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._lock = threading.Lock()
        self._closed = False
        opening.set_up(self._connection)
        schema.prepare(self._connection, None)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        with self._lock:
            if self._closed:
                raise Unavailable("The store is closed.")
            try:
                yield self._connection
            except apsw.Error as error:
                raise explained(error, "in memory") from error

    def writing(self, durable: bool = True) -> AbstractContextManager[apsw.Connection]:  # noqa: ARG002
        return self.reading()

    def sync(self) -> None:
        """Nothing here outlives the process."""

    def copy(self, target: Path) -> None:
        with self.reading() as connection:
            try:
                copies.copy(connection, target)
            except OSError as error:
                raise explained_file(error, str(target), opening=True) from error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()


Connections: TypeAlias = FileConnections | MemoryConnections
