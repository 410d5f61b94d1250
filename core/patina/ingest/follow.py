"""Behind every commit: vectors that are missing are computed, and the index follows the log.

Nothing that was acknowledged depends on either. Both loops sleep until they are woken and go on until nothing is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from patina.errors import Failed, InvalidRequest, PatinaError
from patina.models import Lane
from patina.shelf import Shelved
from patina.store import Store

log = logging.getLogger(__name__)

CHANGES_AT_ONCE = 1024
COURSE = 32
"""Chunks that go to the model and are committed together."""
COURSES_IN_FLIGHT = 3
"""So that a model thread finds the next text waiting while a course is being committed."""
RETRY_S = 5.0
MAX_RETRY_S = 300.0
"""Each failure in a row doubles the wait up to this; whatever is committed is tried at once."""

Run = Callable[..., Awaitable[Any]]


class Follower:
    """Keeps one collection embedded and indexed."""

    def __init__(self, shelved: Shelved, store: Store, run: Run) -> None:
        self.shelved = shelved
        self.embedded = 0
        """Chunk texts that the model has computed since the start."""
        self.unembeddable: dict[str, str] = {}
        """Digests that the model refused, with the reason; tried again after a restart."""
        self._problems: dict[str, str] = {}
        self._retry_s = RETRY_S
        self._store = store
        self._run = run
        self._embed_wanted = asyncio.Event()
        self._embed_idle = asyncio.Event()
        self._index_wanted = asyncio.Event()
        self._index_idle = asyncio.Event()
        self._using_index = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.wake()
        self._tasks = [
            asyncio.create_task(self._forever("index", self._index_wanted, self._index_idle, self._index)),
            asyncio.create_task(self._forever("embed", self._embed_wanted, self._embed_idle, self._embed)),
        ]

    def wake(self) -> None:
        """Something was committed."""
        self._wake_index()
        self._embed_idle.clear()
        self._embed_wanted.set()

    async def settle(self, embedded: bool) -> None:
        """Return when all that is committed now is searchable by words and, with `embedded`, by meaning too."""
        if embedded:
            await self._embed_idle.wait()
        await self._index_idle.wait()
        async with self._using_index:
            await self._run(self.shelved.index.checkpoint)

    @property
    def problem(self) -> str | None:
        """What keeps the collection from being embedded or indexed, in a sentence with the next step."""
        return next(iter(self._problems.values()), None)

    @property
    def working(self) -> bool:
        """Whether something committed is not embedded or indexed yet."""
        return not (self._embed_idle.is_set() and self._index_idle.is_set())

    @property
    def using_index(self) -> asyncio.Lock:
        """Held by whoever applies, checkpoints or drops: an index is written by one at a time."""
        return self._using_index

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wake_index(self) -> None:
        self._index_idle.clear()
        self._index_wanted.set()

    async def _forever(
        self, name: str, wanted: asyncio.Event, idle: asyncio.Event, work: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            problem = await self._tried(work)
            if problem is None:
                self._problems.pop(name, None)
                self._retry_s = self._retry_s if self._problems else RETRY_S
            else:
                self._tell(name, problem)
            if not wanted.is_set():
                idle.set()
            if problem is not None:
                asyncio.get_running_loop().call_later(self._retry_s, self.wake)
                self._retry_s = min(2 * self._retry_s, MAX_RETRY_S)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> str | None:
        """What went wrong, if anything did."""
        try:
            await work()
        except PatinaError as error:
            return str(error)
        except Exception:  # a job's edge: the collection is reported and tried again, the daemon lives on
            log.exception("collection=%s following the log failed", self.shelved.name)
            return "An unexpected error stopped the index; the daemon's log has it."
        return None

    def _tell(self, name: str, problem: str) -> None:
        """Note a problem, and log it unless it is the one that was there before."""
        if self._problems.get(name) != problem:
            log.warning("collection=%s %s", self.shelved.name, problem)
        self._problems[name] = problem

    async def _index(self) -> None:
        one = self.shelved
        while True:
            async with self._using_index:
                changes = await self._run(self._store.changes, one.name, one.applied, CHANGES_AT_ONCE)
                if not changes:
                    break
                await self._run(one.index.apply, changes)
                one.applied = changes[-1].seq
        one.replaying = False

    async def _embed(self) -> None:
        one = self.shelved
        if one.info is None or one.mismatch is not None:
            return
        flying: set[str] = set()
        courses: set[asyncio.Task[set[str]]] = set()
        try:
            while True:
                batch = await self._run(self._store.missing, one.name, COURSE, flying | self.unembeddable.keys())
                if batch:
                    flying |= {one.digest for one in batch}
                    courses.add(asyncio.create_task(self._course(dict(batch))))
                if not courses:
                    return
                if not batch or len(courses) >= COURSES_IN_FLIGHT:
                    done, courses = await asyncio.wait(courses, return_when=asyncio.FIRST_COMPLETED)
                    flying.difference_update(*(task.result() for task in done))
        finally:
            for task in courses:
                task.cancel()

    async def _course(self, texts: dict[str, str]) -> set[str]:
        """Embed some texts and commit their vectors; returns their digests."""
        vectors = await self._vectors(texts)
        if vectors:
            # Queueing blocks while the store has too much to write: not on the event loop.
            kept = await self._run(self._store.put_vectors, self.shelved.record.identity, vectors)
            await asyncio.wrap_future(kept)
            self.embedded += len(vectors)
            self._wake_index()
        return set(texts)

    async def _vectors(self, texts: dict[str, str]) -> dict[str, bytes]:
        """Raw vectors by digest. When the model refuses, one text at a time, so that only the culprit is left out."""
        try:
            results = await self.shelved.model.embed(list(texts.values()), "passage", Lane.BACKGROUND)
        except (InvalidRequest, Failed) as error:  # any other error is the model's own: nothing is wrong with the texts
            if len(texts) == 1:
                self.unembeddable.update(dict.fromkeys(texts, str(error)))
                log.warning("collection=%s a chunk cannot be embedded: %s", self.shelved.name, error)
                return {}
            parts = [await self._vectors({digest: text}) for digest, text in texts.items()]
            return {digest: raw for part in parts for digest, raw in part.items()}
        return {
            digest: result.vector.astype("<f4", copy=False).tobytes()
            for digest, result in zip(texts, results, strict=True)
        }
