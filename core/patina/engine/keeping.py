"""Looking after what is there: check it, count it, make sure of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from patina import verify, wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.shelf import Shelved
from patina.store import Store
from patina.store.schema import FORMAT
from patina.types import Fault


class Keeping:
    """Answers about the collections as wholes."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._began = time.time()
        self.handlers: Mapping[type, Handler] = {
            wire.Verify: self._verify,
            wire.PlanRebuild: self._plan_rebuild,
            wire.Stats: self._stats,
            wire.Commit: self._commit,
        }
        self.streams: Mapping[type, Stream] = {}

    async def _verify(self, request: wire.Verify) -> wire.VerifyReport:
        started = time.perf_counter()
        rooms = self._rooms
        collections = rooms.shelf.choose(request.repos)
        faults: list[Fault] = await rooms.run(rooms.store.check, request.full)
        for one in collections:
            faults += await (self._compared(one) if request.full else self._looked_over(one))
        if request.full and not rooms.store.in_memory:
            folders = (rooms.config.data, rooms.config.cache / "indexes")
            faults += await rooms.run(verify.leftovers, folders, self._began)
        counts = [await rooms.run(rooms.store.counts, one.name) for one in collections]
        return wire.VerifyReport(
            ok=not faults,
            collections=len(collections),
            chunks=sum(count.chunks for count in counts),
            faults=faults,
            took_ms=round((time.perf_counter() - started) * 1000, 3),
        )

    async def _looked_over(self, one: Shelved, *, full: bool = False) -> list[Fault]:
        work = partial(verify.index_faults, one, self._rooms.store, full)
        return await self._rooms.indexing.quietly([one], work)

    async def _compared(self, one: Shelved) -> list[Fault]:
        """As above, and its answers too. The twin is made before anybody has to hold still."""
        rooms = self._rooms
        found = await self._looked_over(one, full=True)
        twin = verify.Twin(one, await rooms.run(rooms.shelf.twin, one), rooms.store)
        try:
            await rooms.run(twin.follow, one.applied)
            return found + await rooms.indexing.quietly([one], partial(verify.answer_faults, one, rooms.store, twin))
        finally:
            await rooms.run(twin.close)

    async def _plan_rebuild(self, request: wire.PlanRebuild) -> wire.RebuildPlan:
        steps: list[wire.RebuildStep] = []
        for one in self._rooms.shelf.choose(request.repos):
            steps += await self._rooms.indexing.quietly([one], partial(verify.rebuild_steps, one, self._rooms.store))
        return wire.RebuildPlan(steps=steps)

    async def _stats(self, request: wire.Stats) -> wire.StatsReply:
        run, store = self._rooms.run, self._rooms.store
        return wire.StatsReply(
            collections=[await run(_counted, one, store) for one in self._rooms.shelf.choose(request.repos)],
            store_bytes=await run(_size, store.path),
            wal_bytes=await run(_size, store.path and store.path.with_name(f"{store.path.name}-wal")),
            format=FORMAT,
        )

    async def _commit(self, _: wire.Commit) -> wire.Committed:
        rooms = self._rooms
        committed = await asyncio.wrap_future(await rooms.run(rooms.store.commit))
        await rooms.indexing.quietly(rooms.shelf.all, lambda: None)  # the indexes have caught up by then
        return wire.Committed(seq=committed)


def _counted(one: Shelved, store: Store) -> wire.CollectionStats:
    counts, sizes, index = store.counts(one.name), store.sizes(one.name), one.index.stats()
    return wire.CollectionStats(
        name=one.name,
        documents=counts.documents,
        chunks=counts.chunks,
        embedded=counts.embedded,
        failed=counts.failed,
        text_bytes=sizes.text_bytes,
        vector_bytes=sizes.vector_bytes,
        index=index,
        deleted_ratio=_deleted_ratio(index),
        log_entries=sizes.log_entries,
        seq=store.head(one.name),
        applied=one.applied,
        last_commit=sizes.last_commit,
    )


def _deleted_ratio(index: Mapping[str, int]) -> float:
    """Of the arms that count what is dead and not reclaimed ("dense_dead"), the share of it in what they hold."""
    dead = {name.removesuffix("_dead"): number for name, number in index.items() if name.endswith("_dead")}
    alive = sum(index.get(f"{arm}_{what}", 0) for arm in dead for what in ("chunks", "vectors"))
    total = alive + sum(dead.values())
    return round(sum(dead.values()) / total, 6) if total else 0.0


def _size(path: Path | None) -> int:
    """In bytes; 0 for a file that is not there."""
    return path.stat().st_size if path is not None and path.exists() else 0
