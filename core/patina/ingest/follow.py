"""Behind every commit: vectors that are missing are computed, the index follows the log, and what it holds is saved.

Nothing that was acknowledged depends on any of it. The loops sleep until they are woken, until nothing is left to do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from patina.errors import Failed, InvalidRequest, NotFound, PatinaError
from patina.ingest.waiting import to_its_end
from patina.models import Lane
from patina.shelf import Shelved
from patina.store import Store, Waiting
from patina.types import Seq

log = logging.getLogger(__name__)

CHANGES_AT_ONCE = 1024
LONGEST_REST_S = 3.0
"""How long the index lets whoever loads go first before it takes in the next changes all the same."""
COURSE = 32
"""Chunks that go to the model and are committed together."""
COURSES_IN_FLIGHT = 3
"""So that a model thread finds the next text waiting while a course is being committed."""
PLAIN_WORDS = "a few plain words"
CHECKPOINT_AFTER_S = 30.0
"""From something new until the index is saved: what a crash leaves to be applied again is so much work at most."""
DELETES_KEPT = 10_000
"""In the log, or as many as there are chunks: an index of which one part is lost can then keep the other."""
VECTORS_KEPT = 50_000
"""Of texts that are gone: they may come back with the next branch that is checked out."""
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
        self._problems: dict[str, str] = {}
        self._retry_s = RETRY_S
        self._durable: Seq = 0
        """Up to where the log is known to be on the disk."""
        self._store = store
        self._run = run
        self._embed_wanted = asyncio.Event()
        self._embed_idle = asyncio.Event()
        self._index_wanted = asyncio.Event()
        self._index_idle = asyncio.Event()
        self._keep_wanted = asyncio.Event()
        self._keep_idle = asyncio.Event()
        self._using_index = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.wake()
        self._tasks = [
            asyncio.create_task(self._forever("index", self._index_wanted, self._index_idle, self._index)),
            asyncio.create_task(self._forever("embed", self._embed_wanted, self._embed_idle, self._embed)),
            asyncio.create_task(self._forever("keep", self._keep_wanted, self._keep_idle, self._keep)),
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
            if not self._tasks:
                raise NotFound(f"Collection {self.shelved.name!r} has just been deleted.", param="repos")
            await self.checkpoint()

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
        self._tasks = []
        self._embed_idle.set()  # whoever waits for it need not wait any more
        self._index_idle.set()

    def _wake_index(self) -> None:
        self._index_idle.clear()
        self._index_wanted.set()
        self._keep_wanted.set()

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
            await self._give_way()
            async with self._using_index:
                changes = await self._run(self._store.changes, one.name, one.applied, CHANGES_AT_ONCE)
                if not changes:
                    break
                await to_its_end(self._run(one.index.apply, changes))
                one.applied = changes[-1].seq
        one.replaying = False

    async def _give_way(self) -> None:
        """Wait while the store is crowded: one thread at a time has the interpreter. Every commit wakes this."""
        until = time.monotonic() + LONGEST_REST_S
        while self._store.crowded and (left_s := until - time.monotonic()) > 0:
            self._index_wanted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._index_wanted.wait(), left_s)

    async def checkpoint(self) -> Seq:
        """For whoever holds the index: save it; returns the last change that is safe.

        The store comes first: an index that is ahead of it after a power cut takes what gets the lost positions next
        for what it has already.
        """
        if self.shelved.applied > self._durable:
            self._durable = await self._written(self._store.commit)
        saved: Seq = await to_its_end(self._run(self.shelved.index.checkpoint))
        return saved

    async def _keep(self) -> None:
        """Save what has been applied, and forget what no index needs any more."""
        await asyncio.sleep(CHECKPOINT_AFTER_S)
        async with self._using_index:
            saved = await self.checkpoint()
        name, store = self.shelved.name, self._store
        counts = await self._run(store.counts, name)
        await self._written(store.sweep_log, {name: saved}, keep=max(DELETES_KEPT, counts.chunks))
        await self._written(store.sweep_vectors, keep=VECTORS_KEPT)

    async def _written(self, submit: Callable[..., Future[int]], *values: object, **named: object) -> int:
        """Have the store write. To queue may block while it has much to write: that is not for the event loop."""
        return await asyncio.wrap_future(await self._run(submit, *values, **named))

    async def _embed(self) -> None:
        """Keep the model supplied: whatever is committed meanwhile is taken up as soon as there is room for it."""
        one = self.shelved
        if one.info is None or one.mismatch is not None:
            return
        courses: dict[asyncio.Task[None], set[str]] = {}
        try:
            while True:
                batch = await self._missing(courses)
                if batch:
                    courses[asyncio.create_task(self._course(dict(batch)))] = {text.digest for text in batch}
                elif courses:
                    for task in await self._landed(courses):
                        del courses[task]
                        task.result()
                else:
                    return
        finally:
            for task in courses:
                task.cancel()
            await asyncio.gather(*courses, return_exceptions=True)

    async def _missing(self, courses: dict[asyncio.Task[None], set[str]]) -> list[Waiting]:
        """The next course, none while enough of them fly."""
        if len(courses) >= COURSES_IN_FLIGHT:
            return []
        flying = {digest for course in courses.values() for digest in course}
        batch: list[Waiting] = await self._run(self._store.missing, self.shelved.name, COURSE, flying)
        return batch

    async def _landed(self, courses: dict[asyncio.Task[None], set[str]]) -> set[asyncio.Task[Any]]:
        """Wait until a course is done, or, if there is room for another, something is committed; those done."""
        waiting: set[asyncio.Task[Any]] = set(courses)
        committed = asyncio.create_task(self._embed_wanted.wait())
        if len(courses) < COURSES_IN_FLIGHT:
            waiting.add(committed)
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            committed.cancel()
        if committed in done:
            self._embed_wanted.clear()
        return done - {committed}

    async def _course(self, texts: dict[str, str]) -> None:
        """Embed some texts, by digest; commit their vectors, and why some have none."""
        vectors, refused = await self._vectors(texts)
        if vectors:
            await self._written(self._store.put_vectors, self.shelved.record.identity, vectors)
            self.embedded += len(vectors)
            self._wake_index()
        if refused:
            if not vectors:
                await self._check_model()
            await self._written(self._store.note_failures, self.shelved.name, refused)
            log.warning("collection=%s chunks=%d cannot be embedded", self.shelved.name, len(refused))

    async def _vectors(self, texts: dict[str, str]) -> tuple[dict[str, bytes], dict[str, str]]:
        """Raw vectors by digest, and the reasons of those that the model refuses: each alone, so that no other suffers.

        Any error but a refusal is the model's own: nothing is wrong with the texts.
        """
        try:
            results = await self.shelved.model.embed(list(texts.values()), "passage", Lane.BACKGROUND)
        except (InvalidRequest, Failed) as error:
            if len(texts) == 1:
                return {}, dict.fromkeys(texts, str(error))
            parts = [await self._vectors({digest: text}) for digest, text in texts.items()]
            return (
                {digest: raw for vectors, _ in parts for digest, raw in vectors.items()},
                {digest: reason for _, refused in parts for digest, reason in refused.items()},
            )
        return {
            digest: result.vector.astype("<f4", copy=False).tobytes()
            for digest, result in zip(texts, results, strict=True)
        }, {}

    async def _check_model(self) -> None:
        """Before the texts are blamed: a model that refuses plain words too is broken, which raises its error."""
        await self.shelved.model.embed([PLAIN_WORDS], "passage", Lane.BACKGROUND)
