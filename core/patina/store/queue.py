"""What waits for the writer: bounded, in order, and taken out in groups."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, TypeAlias

import apsw

from patina.config import StoreSettings
from patina.errors import Unavailable

Work: TypeAlias = Callable[[apsw.Connection], int]


class Task(NamedTuple):
    """A step of a transaction, how much it weighs, and whom to tell."""

    work: Work
    chunks: int
    size: int
    """In bytes."""
    durable: bool
    at: float
    """When it was handed over, by the monotonic clock."""
    done: Future[int]


class Queue:
    """Producers put tasks in, and wait while too much is queued; the writer takes out what fits one transaction."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._changed = threading.Condition()
        self._tasks: deque[Task] = deque()
        self._chunks = 0
        self._size = 0
        self._taken_chunks = 0
        self._hurry = False
        self._closing = False

    @property
    def crowded(self) -> bool:
        """Whether there is more to write than one transaction takes, that which is being written included."""
        return self._chunks + self._taken_chunks > self._settings.batch_chunks

    def put(self, task: Task, hurry: bool = False) -> None:
        """Add a task; in a hurry its group does not wait for company. Raises `Unavailable` once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._has_room())
            if self._closing:
                raise Unavailable("The store is closed.")
            self._tasks.append(task)
            self._chunks += task.chunks
            self._size += task.size
            self._hurry |= hurry
            self._changed.notify_all()

    def take(self, until: float | None) -> list[Task] | None:
        """The next group, at least one task. None once all is taken and the queue is closed.

        Empty if nothing came `until` then (by the monotonic clock; None waits for ever).
        """
        with self._changed:
            self._taken_chunks = 0
            self._changed.wait_for(lambda: self._closing or self._tasks, _left(until))
            if not self._tasks:
                return None if self._closing else []
            age_s = self._settings.commit_interval_ms / 1000
            self._changed.wait_for(self._is_due, _left(self._tasks[0].at + age_s))
            group = self._cut_off()
            self._hurry = self._hurry and bool(self._tasks)
            self._changed.notify_all()
        return group

    def close(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._chunks < self._settings.queue_chunks and self._size < self._settings.queue_bytes

    def _is_due(self) -> bool:
        """Whether a group need not wait for company any longer, whatever its age."""
        full = self._chunks >= self._settings.batch_chunks or self._size >= self._settings.batch_bytes
        return self._closing or self._hurry or full or not self._has_room()

    def _cut_off(self) -> list[Task]:
        group: list[Task] = []
        chunks = size = 0
        while self._tasks:
            chunks += self._tasks[0].chunks
            size += self._tasks[0].size
            if group and (chunks > self._settings.batch_chunks or size > self._settings.batch_bytes):
                break
            group.append(self._tasks.popleft())
            self._chunks -= group[-1].chunks
            self._size -= group[-1].size
        self._taken_chunks = sum(task.chunks for task in group)
        return group


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
