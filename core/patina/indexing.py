"""Writing, as the engine does it: one follower and one intake at a time for each collection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from patina import wire
from patina.config import Config
from patina.errors import InvalidRequest
from patina.ingest.chunk import Chunker, estimate
from patina.ingest.entry import Cutter
from patina.ingest.follow import Follower
from patina.ingest.pace import Pace
from patina.ingest.pipeline import Intake
from patina.ingest.scope import Place, places
from patina.shelf import Shelf, Shelved
from patina.store import Store
from patina.wire import Event, IndexReport

T = TypeVar("T")
Run = Callable[..., Awaitable[Any]]

PROGRESS_EVERY_S = 0.2
MAX_TOKENS_WITHOUT_MODEL = 512


class Indexing:
    """Takes in files and documents, and keeps what was taken in embedded and indexed."""

    def __init__(self, config: Config, store: Store, shelf: Shelf, run: Run) -> None:
        self._config = config
        self._store = store
        self._shelf = shelf
        self._run = run
        self._followers: dict[str, Follower] = {}
        self._writing: dict[str, asyncio.Lock] = {}

    def start(self) -> None:
        for shelved in self._shelf.all:
            self._follow(shelved)

    async def stop(self) -> None:
        await asyncio.gather(*(follower.stop() for follower in self._followers.values()))

    @property
    def working(self) -> bool:
        """Whether something committed is not embedded or indexed yet."""
        return any(follower.working for follower in self._followers.values())

    def statuses(self) -> list[wire.CollectionStatus]:
        indexed_at = {record.name: record.indexed_at for record in self._store.collections()}
        return [self._status(one, indexed_at.get(one.name)) for one in self._shelf.all]

    def notes(self) -> list[str]:
        """What is missing or broken in some collection."""
        found = [str(one.missing_model) for one in self._shelf.all if one.missing_model]
        found += [str(one.mismatch) for one in self._shelf.all if one.mismatch]
        found += [follower.problem for follower in self._followers.values() if follower.problem]
        return list(dict.fromkeys(found))

    async def documents(self, request: wire.Index) -> IndexReport:
        started = time.perf_counter()
        shelved = await self._open(request.repo, "")
        if shelved.record.root:
            raise InvalidRequest(
                f"Collection {shelved.name!r} follows the folder {shelved.record.root}, and its next run would remove "
                "what is not there.",
                hint="Hand the documents to another collection.",
                param="repo",
            )
        async with self._writing[shelved.name]:
            intake, follower, embedded = await self._intake(shelved)
            await self._run(intake.take_documents, request.documents)
            if request.wait:
                await follower.settle(embedded=True)
            return self._report(shelved, intake, follower.embedded - embedded, started, request.wait)

    async def paths(self, request: wire.IndexPaths) -> AsyncIterator[Event]:
        """Progress as it goes, then the reports. Closing ends the run at the next file; what is committed stays."""
        reports = []
        for place in await self._run(places, request.paths, request.name, self._shelf):
            shelved = await self._open(place.name, str(place.root))
            async with self._writing[shelved.name]:
                async for event in self._take_files(shelved, place, request):
                    if isinstance(event, IndexReport):
                        reports.append(event)
                    else:
                        yield event
        yield wire.Reports(reports=reports)

    async def rebuild(self, request: wire.Rebuild) -> AsyncIterator[Event]:
        """Progress as it goes, then the report."""
        started = time.perf_counter()
        [shelved] = self._shelf.choose([request.repo])
        follower = self._followers[shelved.name]
        async with self._writing[shelved.name]:
            embedded = follower.embedded
            async with follower.using_index:
                await self._run(self._shelf.restamp, shelved)
            follower.unembeddable.clear()
            follower.wake()
            async for progress in self._embedding(shelved, follower):
                yield progress
            counts = await self._run(self._store.counts, shelved.name)
            yield IndexReport(
                repo=shelved.name,
                unchanged=counts.documents,
                embedded=follower.embedded - embedded,
                note=self._note(shelved),
                took_ms=_ms_since(started),
            )

    async def quietly(self, collections: Sequence[Shelved], work: Callable[[], T]) -> T:
        """Run blocking work once the collections' indexes have caught up, with nobody changing them."""
        followers = [self._followers[one.name] for one in collections]
        for follower in followers:
            await follower.settle(embedded=False)
        locks = [follower.using_index for follower in followers]
        for lock in locks:
            await lock.acquire()
        try:
            done: T = await self._run(work)
            return done
        finally:
            for lock in locks:
                lock.release()

    # -- one run ------------------------------------------------------------------------------------------------------

    async def _take_files(self, shelved: Shelved, place: Place, request: wire.IndexPaths) -> AsyncIterator[Event]:
        started = time.perf_counter()
        intake, follower, embedded = await self._intake(shelved)
        limits = self._config.ingest
        reading = self._run(intake.take_files, place.root, place.starts, limits, strict=request.strict)
        pace = Pace(shelved.name, "read")
        async for _ in _until(reading, intake.stop):
            yield pace.progress(intake.tally.seen, intake.tally.total)
        if request.wait:
            async for progress in self._embedding(shelved, follower):
                yield progress
        yield self._report(shelved, intake, follower.embedded - embedded, started, request.wait)

    async def _embedding(self, shelved: Shelved, follower: Follower) -> AsyncIterator[Event]:
        """Progress until the collection is embedded and indexed; without a model there is none to tell."""
        counts = await self._run(self._store.counts, shelved.name)
        pace = Pace(shelved.name, "embed", counts.embedded)
        async for _ in _until(follower.settle(embedded=True)):
            if shelved.info is not None:
                counts = await self._run(self._store.counts, shelved.name)
                yield pace.progress(counts.embedded, counts.chunks)

    async def _intake(self, shelved: Shelved) -> tuple[Intake, Follower, int]:
        """A run into the collection, its follower, and how many chunks that one has embedded so far."""
        follower = self._followers[shelved.name]
        async with follower.using_index:
            await self._run(self._shelf.look_for_model, shelved, tokenizing=True)
        if shelved.mismatch is not None:
            raise shelved.mismatch
        loop = asyncio.get_running_loop()
        cutter = self._cutter(shelved)
        intake = Intake(self._store, shelved.name, cutter, lambda: loop.call_soon_threadsafe(follower.wake))
        return intake, follower, follower.embedded

    def _cutter(self, shelved: Shelved) -> Cutter:
        """Cuts by the model's own tokens; without a model by an estimate that errs on the safe side."""
        settings, info = shelved.settings, shelved.info
        chunker = Chunker(
            measure=shelved.model.measure if info else estimate,
            target_tokens=settings.chunk_tokens,
            max_tokens=info.max_tokens if info else MAX_TOKENS_WITHOUT_MODEL,
            overlap_tokens=settings.chunk_overlap_tokens,
            name=info.name if info else "estimate",
        )
        return Cutter(chunker.name, chunker.cut)

    async def _open(self, name: str, root: str) -> Shelved:
        shelved = self._shelf.find(name)
        if shelved is None:
            shelved = await self._run(self._shelf.create, name, root)
        if name not in self._followers:
            self._follow(shelved)
        return shelved

    def _follow(self, shelved: Shelved) -> None:
        self._writing[shelved.name] = asyncio.Lock()
        follower = self._followers[shelved.name] = Follower(shelved, self._store, self._run)
        follower.start()

    # -- telling ------------------------------------------------------------------------------------------------------

    def _report(self, shelved: Shelved, intake: Intake, embedded: int, started: float, waited: bool) -> IndexReport:
        report = intake.tally.report(shelved.name)
        note = self._note(shelved) or (None if waited else self._left(shelved))
        return msgspec.structs.replace(report, embedded=embedded, note=note, took_ms=_ms_since(started))

    def _left(self, shelved: Shelved) -> str | None:
        """What goes on after a report that nobody waited for."""
        if not self._followers[shelved.name].working:
            return None
        return "Found by words now; by meaning once the daemon has embedded it, which `patina status` shows."

    def _note(self, shelved: Shelved) -> str | None:
        if shelved.missing_model is not None:
            return f"Searchable by words alone: {shelved.missing_model}"
        follower = self._followers[shelved.name]
        if follower.problem is not None:
            return f"Not all is searchable by meaning yet: {follower.problem}"
        refused = len(follower.unembeddable)
        chunks = "1 chunk" if refused == 1 else f"{refused} chunks"
        return f"{chunks} could not be embedded; the log says why." if refused else None

    def _status(self, one: Shelved, indexed_at: float | None) -> wire.CollectionStatus:
        counts = self._store.counts(one.name)
        problem = one.mismatch or self._followers[one.name].problem
        return wire.CollectionStatus(
            name=one.name,
            root=one.record.root,
            documents=counts.documents,
            chunks=counts.chunks,
            embedded=counts.embedded,
            model=one.record.model,
            indexed_at=indexed_at,
            problem=str(problem) if problem else None,
        )


async def _until(work: Awaitable[T], stop: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """A beat now and then while work goes on, and one at its end; raises what the work raises.

    When the listener leaves early, the work is told to `stop` and waited for; without a `stop` it is cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=PROGRESS_EVERY_S)
            yield
        task.result()
    finally:
        if not task.done():
            (stop or task.cancel)()
            await asyncio.wait({task})


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
