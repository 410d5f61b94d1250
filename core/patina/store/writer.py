"""The one thread that commits and checkpoints.

Producers queue tasks; the thread takes as many as fit into a group, runs them in one transaction, syncs once and then
tells every producer. A task that fails takes back only what it did itself; a commit that fails takes back its group.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, TypeAlias

import apsw

from patina.errors import Unavailable
from patina.store.complaints import explained
from patina.store.connection import Connections

GROUP_CHUNKS = 256
"""How much one transaction takes in; a single task that weighs more gets one of its own."""
MAX_WAITING_CHUNKS = 4_096
"""How much may wait; then producers do."""
CHECKPOINT_PAGES = 4_096
"""The log of writes is moved into the file when it has this many pages, without waiting for readers."""
MAX_WAL_PAGES = 65_536
"""From here on the move waits for readers (at most the busy timeout), so that the log can start over."""

Work: TypeAlias = Callable[[apsw.Connection], int]

log = logging.getLogger(__name__)


class Task(NamedTuple):
    work: Work
    chunks: int
    done: Future[int]


class Writer:
    """Runs tasks in the order in which they were submitted; each one's future is done once it is durable."""

    def __init__(self, connections: Connections, where: str) -> None:
        self._connections = connections
        self._where = where
        self._changed = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._waiting_chunks = 0
        self._closing = False
        self._wal_pages = 0
        with connections.writing() as connection:
            connection.set_wal_hook(self._note_wal)
        self._thread = threading.Thread(target=self._run, name="patina-store", daemon=True)
        self._thread.start()

    def submit(self, work: Work, chunks: int) -> Future[int]:
        """Queue a task that weighs about `chunks`; blocks while too much is waiting. Raises `Unavailable`."""
        task = Task(work, max(1, chunks), Future())
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting_chunks < MAX_WAITING_CHUNKS)
            if self._closing:
                raise Unavailable("The store is closed.")
            self._waiting.append(task)
            self._waiting_chunks += task.chunks
            self._changed.notify_all()
        return task.done

    def close(self) -> None:
        """Commit what is queued, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._commit([task for task in group if task.done.set_running_or_notify_cancel()])
            self._checkpoint_if_due()

    def _next_group(self) -> list[Task]:
        """What fits into one transaction, at least one task; nothing only when the writer closes."""
        group: list[Task] = []
        chunks = 0
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting)
            while self._waiting and (not group or chunks + self._waiting[0].chunks <= GROUP_CHUNKS):
                group.append(self._waiting.popleft())
                chunks += group[-1].chunks
            self._waiting_chunks -= chunks
            self._changed.notify_all()
        return group

    def _commit(self, group: list[Task]) -> None:
        try:
            with self._connections.writing() as connection:
                outcomes = self._transaction(connection, group)
        except Exception as error:  # a job's edge: whatever it is, the producers must hear of it
            outcomes = [self._explained(error) for _ in group]
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
        except Exception as error:  # likewise, for one task
            if not connection.in_transaction:  # SQLite gave up the whole of it
                raise
            connection.execute("ROLLBACK TO task")
            outcome = self._explained(error)
        connection.execute("RELEASE task")
        return outcome

    def _explained(self, error: Exception) -> Exception:
        return explained(error, self._where) if isinstance(error, apsw.Error) else error

    def _note_wal(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint_if_due(self) -> None:
        """After the producers were told: they need not wait for it, and a failure here loses nothing."""
        if self._wal_pages < CHECKPOINT_PAGES:
            return
        patient = self._wal_pages >= MAX_WAL_PAGES
        mode = apsw.SQLITE_CHECKPOINT_RESTART if patient else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            with self._connections.writing() as connection:
                connection.wal_checkpoint(mode=mode)
        except apsw.BusyError:
            log.info("a long reading keeps the log of writes from starting over: %d pages", self._wal_pages)
        except apsw.Error as error:
            log.warning("%s", self._explained(error))
