"""The one thread that commits and checkpoints.

It takes tasks from the queue in groups, runs a group in one transaction, syncs once and then tells every producer. A
task that fails takes back only what it did itself; a commit that fails takes back its group.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future

import apsw

from patina.config import StoreSettings
from patina.errors import PatinaError
from patina.store.complaints import explained
from patina.store.connection import Connections
from patina.store.queue import Queue, Task, Work

CHECKPOINT_PAGES = 4_096
"""The log of writes is moved into the file when it has this many pages, without waiting for readers."""
MAX_WAL_PAGES = 65_536
"""From here on the move waits for readers (at most the busy timeout), so that the log can start over."""
UNSYNCED_S = 1.0
"""How long a commit that did not wait for the disk may stay so."""

log = logging.getLogger(__name__)


class Writer:
    """Runs tasks in the order in which they were submitted; each one's future is done once it is committed."""

    def __init__(self, connections: Connections, where: str, settings: StoreSettings) -> None:
        self._connections = connections
        self._where = where
        self._queue = Queue(settings)
        self._thread = threading.Thread(target=self._run, name="patina-store", daemon=True)
        self._thread.start()

    def submit(
        self, work: Work, *, chunks: int = 1, size: int = 0, durable: bool = True, hurry: bool = False
    ) -> Future[int]:
        """Queue a task that weighs about so many chunks and bytes; blocks while too much is waiting.

        A durable one is done once it is on the disk, with all that was committed before it. Raises `Unavailable`.
        """
        task = Task(work, max(1, chunks), size, durable, time.monotonic(), Future())
        self._queue.put(task, hurry)
        return task.done

    @property
    def crowded(self) -> bool:
        """Whether there is more to write than one transaction takes."""
        return self._queue.crowded

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        self._queue.close()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._queue.take(until=self._sync_due())) is not None:
            if group := [task for task in group if task.done.set_running_or_notify_cancel()]:
                self._commit(group)
                self._checkpoint_if_due()
            else:
                self._sync()

    def _sync_due(self) -> float | None:
        since = self._connections.unsynced_since
        return None if since is None else since + UNSYNCED_S

    def _commit(self, group: list[Task]) -> None:
        due = self._sync_due()
        durable = any(task.durable for task in group) or (due is not None and time.monotonic() >= due)
        try:
            with self._connections.writing(durable) as connection:
                outcomes = self._transaction(connection, group)
            if durable:
                self._connections.sync()  # a transaction that changed nothing has not waited for earlier ones
        except Exception as error:  # a job's edge: whatever it is, the producers must hear of it
            outcomes = [error for _ in group]
        for task, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                task.done.set_exception(outcome)
            else:
                task.done.set_result(outcome)

    def _transaction(self, connection: apsw.Connection, group: list[Task]) -> list[int | Exception]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._attempt(connection, task) for task in group]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    def _attempt(self, connection: apsw.Connection, task: Task) -> int | Exception:
        """Run one task within the group's transaction; its failure leaves the others' work alone."""
        connection.execute("SAVEPOINT task")
        try:
            outcome: int | Exception = task.work(connection)
        except (apsw.FullError, apsw.IOError):  # the disk's, not the task's
            raise
        except Exception as error:  # likewise, for one task
            if not connection.in_transaction:  # SQLite gave up the whole of it
                raise
            connection.execute("ROLLBACK TO task")
            outcome = explained(error, self._where) if isinstance(error, apsw.Error) else error
        connection.execute("RELEASE task")
        return outcome

    def _sync(self) -> None:
        """In an idle moment; should the disk fail, those who were told that they need not wait are not told more."""
        try:
            self._connections.sync()
        except PatinaError as error:
            log.warning("%s", error)
            self._connections.unsynced_since = time.monotonic()  # tried again after as long

    def _checkpoint_if_due(self) -> None:
        """After the producers were told: they need not wait for it, and a failure here loses nothing."""
        pages = self._connections.wal_pages
        if pages < CHECKPOINT_PAGES:
            return
        patient = pages >= MAX_WAL_PAGES
        mode = apsw.SQLITE_CHECKPOINT_RESTART if patient else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            with self._connections.writing() as connection:
                try:
                    connection.wal_checkpoint(mode=mode)
                except apsw.BusyError:
                    log.info("a long reading keeps the log of writes from starting over: %d pages", pages)
        except PatinaError as error:
            log.warning("%s", error)
