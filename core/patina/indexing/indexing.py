"""Taking in files and documents, and keeping what was taken in embedded and indexed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from msgspec import structs

from patina import wire
from patina.config import Config
from patina.errors import Busy, InvalidRequest, NotFound
from patina.indexing.errand import Errand
from patina.ingest.chunk import Chunker, estimate
from patina.ingest.duplicates import Duplicates
from patina.ingest.entry import Cutter
from patina.ingest.follow import Follower
from patina.ingest.pace import Pace
from patina.ingest.pipeline import Intake
from patina.ingest.scope import Place, places
from patina.ingest.waiting import beats, to_its_end
from patina.shelf import Shelf, Shelved
from patina.store import Ack, Store, Write
from patina.wire import Event, IndexReport

T = TypeVar("T")
Run = Callable[..., Awaitable[Any]]

MAX_TOKENS_WITHOUT_MODEL = 512


class Indexing:
    """One follower and one writer at a time for each collection.

    A run is a stream of `Progress` that ends with its request's reply. A task goes through it to the end. When that
    task is cancelled the run ends at the next document: what is committed stays, and goes on being embedded.
    """

    def __init__(self, config: Config, store: Store, shelf: Shelf, run: Run) -> None:
        self._config = config
        self._store = store
        self._shelf = shelf
        self._run = run
        self._followers: dict[str, Follower] = {}
        self._writing: dict[str, asyncio.Lock] = {}
        self._opening = asyncio.Lock()

    def start(self) -> None:
        for shelved in self._shelf.all:
            self._follow(shelved)

    async def stop(self) -> None:
        await asyncio.gather(*(follower.stop() for follower in self._followers.values()))

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def paths(self, request: wire.IndexPaths, errand: Errand) -> AsyncIterator[Event]:
        """Bring collections in line with files; the last event is the `Reports`."""
        reports = []
        for place in await self._run(places, request.paths, request.name, self._shelf):
            async with self.alone(place.name, root=str(place.root)) as shelved, errand.turn():
                async for event in self._take_files(shelved, place, request, errand):
                    if isinstance(event, IndexReport):
                        reports.append(event)
                    else:
                        yield event
        yield wire.Reports(reports=reports)

    async def documents(self, request: wire.Index, errand: Errand) -> AsyncIterator[Event]:
        """Take in documents that were handed over; the last event is the `IndexReport`."""
        started = time.perf_counter()
        self._check_no_folder(request.repo)
        async with self.alone(request.repo, root="") as shelved, errand.turn():
            intake = await self._intake(shelved, errand, "written" if request.ack == "written" else "durable")
            follower, embedded = self._followers[shelved.name], self._followers[shelved.name].embedded
            taking = self._run(intake.take_documents, request.documents, int(errand.cursor or 0))
            waits = request.wait and request.ack != "written"
            async for event in self._taken(shelved, intake, taking, waits):
                yield event
            yield await self._report(shelved, intake, follower.embedded - embedded, started, waits)

    async def rebuild(self, request: wire.Rebuild, errand: Errand) -> AsyncIterator[Event]:
        """Start a collection's index over; the last event is the `IndexReport`."""
        started = time.perf_counter()
        async with self.alone(request.repo) as shelved, errand.turn():
            follower = self._followers[shelved.name]
            embedded = follower.embedded
            async with follower.using_index:
                await to_its_end(self._run(self._shelf.restamp, shelved))
            await self.forgive([shelved.name])
            async for progress in self._embedding(shelved):
                yield progress
            yield await self._summary(shelved, follower.embedded - embedded, started)

    async def retry(self, request: wire.RetryJob, errand: Errand) -> AsyncIterator[Event]:
        """Let the models try again what they refused; the last event is the `Reports`."""
        reports = []
        async with errand.turn():
            for shelved in self._shelf.choose(request.repos):
                started = time.perf_counter()
                follower = self._follower(shelved)
                embedded = follower.embedded
                await self.forgive([shelved.name])
                async for progress in self._embedding(shelved):
                    yield progress
                reports.append(await self._summary(shelved, follower.embedded - embedded, started))
        yield wire.Reports(reports=reports)

    async def look(self, request: wire.IndexPaths | wire.Index | wire.Rebuild | wire.RetryJob) -> str:
        """The collection that a run would work on, "" for several; raises what would keep it from beginning at all."""
        match request:
            case wire.IndexPaths():
                names = [place.name for place in await self._run(places, request.paths, request.name, self._shelf)]
            case wire.Index():
                self._check_no_folder(request.repo)
                names = [request.repo]
            case wire.Rebuild():
                names = [one.name for one in self._shelf.choose([request.repo])]
            case wire.RetryJob():
                names = [one.name for one in self._shelf.choose(request.repos)]
        return names[0] if len(names) == 1 else ""

    # -- what others do with collections ------------------------------------------------------------------------------

    @asynccontextmanager
    async def alone(
        self, name: str, *, root: str | None = None, patience_s: float | None = None
    ) -> AsyncIterator[Shelved]:
        """A collection for oneself alone to write to, once those before have ended; with a root it is made if need be.

        Raises `NotFound`, and `Busy` when those before take longer than one has patience.
        """
        while True:
            shelved = await self._open(name, root)
            lock = self._writing[name]
            await _taken(lock, name, patience_s)
            try:
                if self._shelf.find(name) is shelved:  # else it was dropped while we waited
                    yield shelved
                    return
            finally:
                lock.release()

    async def look_for_model(self, shelved: Shelved, *, tokenizing: bool = False) -> None:
        """As the shelf's. Raises `Mismatch` when the collection's vectors are another model's."""
        async with self._follower(shelved).using_index:
            await to_its_end(self._run(self._shelf.look_for_model, shelved, tokenizing=tokenizing))
        if shelved.mismatch is not None:
            raise shelved.mismatch

    async def commit(self, shelved: Shelved, write: Write) -> None:
        """Write what needs no more work, and return when it is durable. For whoever is alone with the collection."""
        follower = self._follower(shelved)
        await asyncio.wrap_future(await self._run(self._store.write, write))
        follower.wake()

    async def drop(self, shelved: Shelved) -> None:
        """Remove a collection with all that belongs to it. For whoever is alone with it.

        Questions that are under way find less from here on; whoever waits to write to it finds it gone, or new.
        """
        follower = self._follower(shelved)
        async with follower.using_index:
            await to_its_end(self._run(self._shelf.forget, shelved))
            await follower.stop()
        if self._followers.get(shelved.name) is follower:  # else the name has been taken again already
            del self._followers[shelved.name], self._writing[shelved.name]

    async def forgive(self, names: Sequence[str]) -> None:
        """Let the collections' models try again what they refused, behind everything."""
        for name in names:
            if follower := self._followers.get(name):
                await asyncio.wrap_future(await self._run(self._store.forget_failures, name))
                follower.wake()

    async def quietly(self, collections: Sequence[Shelved], work: Callable[[], T]) -> T:
        """Run blocking work once the collections' indexes have caught up, with nobody changing them."""
        followers = [self._follower(one) for one in collections]
        for follower in followers:
            await follower.settle(embedded=False)
        locks = [follower.using_index for follower in followers]
        held: list[asyncio.Lock] = []
        try:
            for lock in locks:
                await lock.acquire()
                held.append(lock)
            for one in collections:
                await self._follower(one).checkpoint()  # the index may have gone on since
            done: T = await to_its_end(self._run(work))
            return done
        finally:
            for lock in held:
                lock.release()

    # -- telling ------------------------------------------------------------------------------------------------------

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

    def _status(self, one: Shelved, indexed_at: float | None) -> wire.CollectionStatus:
        counts = self._store.counts(one.name)
        follower = self._followers.get(one.name)
        problem = one.mismatch or (follower and follower.problem)
        return wire.CollectionStatus(
            name=one.name,
            root=one.record.root,
            documents=counts.documents,
            chunks=counts.chunks,
            embedded=counts.embedded,
            failed=counts.failed,
            model=one.record.model,
            indexed_at=indexed_at,
            problem=str(problem) if problem else None,
        )

    async def _report(
        self, shelved: Shelved, intake: Intake, embedded: int, started: float, waited: bool
    ) -> IndexReport:
        note = await self._note(shelved) or (None if waited else self._left(shelved))
        report = intake.tally.report(shelved.name)
        return structs.replace(report, embedded=embedded, note=note, took_ms=_ms_since(started))

    async def _summary(self, shelved: Shelved, embedded: int, started: float) -> IndexReport:
        """Of a run that took in nothing new."""
        counts = await self._run(self._store.counts, shelved.name)
        note = await self._note(shelved)
        return IndexReport(
            repo=shelved.name, unchanged=counts.documents, embedded=embedded, note=note, took_ms=_ms_since(started)
        )

    async def _note(self, shelved: Shelved) -> str | None:
        if shelved.missing_model is not None:
            return f"Searchable by words alone: {shelved.missing_model}"
        follower = self._followers[shelved.name]
        if follower.problem is not None:
            return f"Not all is searchable by meaning yet: {follower.problem}"
        refused = (await self._run(self._store.counts, shelved.name)).failed
        chunks = "1 chunk" if refused == 1 else f"{refused} chunks"
        return f"The model refused {chunks}; `patina jobs retry` tries again." if refused else None

    def _left(self, shelved: Shelved) -> str | None:
        """What goes on after a report that nobody waited for."""
        if not self._followers[shelved.name].working:
            return None
        return "Found by words now; by meaning once the daemon has embedded it, which `patina status` shows."

    # -- parts of a run -----------------------------------------------------------------------------------------------

    async def _take_files(
        self, shelved: Shelved, place: Place, request: wire.IndexPaths, errand: Errand
    ) -> AsyncIterator[Event]:
        started = time.perf_counter()
        intake = await self._intake(shelved, errand)
        follower, embedded = self._followers[shelved.name], self._followers[shelved.name].embedded
        limits = self._config.ingest
        reading = self._run(intake.take_files, place.root, place.starts, limits, strict=request.strict)
        async for event in self._taken(shelved, intake, reading, request.wait):
            yield event
        yield await self._report(shelved, intake, follower.embedded - embedded, started, request.wait)

    async def _taken(
        self, shelved: Shelved, intake: Intake, taking: Awaitable[None], waits: bool
    ) -> AsyncIterator[Event]:
        pace = Pace(shelved.name, "read")
        async for _ in beats(taking, intake.stop):
            yield pace.progress(intake.tally.seen, intake.tally.total)
        if waits:
            async for progress in self._embedding(shelved):
                yield progress

    async def _embedding(self, shelved: Shelved) -> AsyncIterator[Event]:
        """Progress until the collection is embedded and indexed; without a model there is none to tell."""
        counts = await self._run(self._store.counts, shelved.name)
        pace = Pace(shelved.name, "embed", counts.embedded)
        async for _ in beats(self._followers[shelved.name].settle(embedded=True)):
            if shelved.info is not None:
                counts = await self._run(self._store.counts, shelved.name)
                yield pace.progress(counts.embedded, counts.chunks - counts.failed)

    async def _intake(self, shelved: Shelved, errand: Errand, ack: Ack = "durable") -> Intake:
        """A run into the collection, on an errand."""
        await self.look_for_model(shelved, tokenizing=True)
        follower = self._follower(shelved)
        loop = asyncio.get_running_loop()
        intake = Intake(
            self._store,
            shelved.name,
            self._cutter(shelved),
            lambda: loop.call_soon_threadsafe(follower.wake),
            duplicates=Duplicates(self._store, shelved.name, self._config.ingest),
            ack=ack,
            job=errand.job,
        )
        errand.tallies.append(intake.tally)
        return intake

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

    def _check_no_folder(self, name: str) -> None:
        shelved = self._shelf.find(name)
        if shelved is not None and shelved.record.root:
            raise InvalidRequest(
                f"Collection {name!r} follows the folder {shelved.record.root}, and its next run would remove "
                "what is not there.",
                hint="Hand the documents to another collection.",
                param="repo",
            )

    async def _open(self, name: str, root: str | None) -> Shelved:
        """The collection of that name, followed; it is made if it does not exist and there is a root for it."""
        if root is None or self._shelf.find(name) is not None:
            [shelved] = self._shelf.choose([name])
        else:
            shelved = await to_its_end(self._run(self._shelf.create, name, root))
        follower = self._followers.get(name)
        if follower is None or follower.shelved is not shelved:
            self._follow(shelved)
        return shelved

    def _follower(self, shelved: Shelved) -> Follower:
        follower = self._followers.get(shelved.name)
        if follower is None or follower.shelved is not shelved:
            raise NotFound(f"Collection {shelved.name!r} has just been deleted.", param="repos")
        return follower

    def _follow(self, shelved: Shelved) -> None:
        self._writing[shelved.name] = asyncio.Lock()
        follower = self._followers[shelved.name] = Follower(shelved, self._store, self._run)
        follower.start()


async def _taken(lock: asyncio.Lock, name: str, patience_s: float | None) -> None:
    try:
        async with asyncio.timeout(patience_s):
            await lock.acquire()
    except TimeoutError:
        raise Busy(
            f"Others have been writing to {name!r} for {patience_s:g} s.",
            hint="See who with `patina jobs list`; wait, or end that with `patina jobs cancel`.",
        ) from None


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
