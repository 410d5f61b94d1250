"""Exports coming in again: a client feeds a job with whole documents, batch by batch.

How far the job is, in lines, is committed with the documents themselves; so whoever was broken off asks where it is,
and goes on from there. Only the client has the rest, which is why the daemon never goes on with such a job by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import groupby

import msgspec
from msgspec import structs

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.errors import InvalidRequest, JobNotFound, PatinaError
from patina.ingest.lines import Line, documents, entry
from patina.jobs import shown
from patina.store import JobMark, JobRecord, Write

IDLE_S = 60.0
"""Without a batch for so long an import counts as interrupted."""
REMEMBERED = 2_000
"""Jobs that are looked through for an earlier attempt; the store keeps fewer that have ended."""
LEFT = "Its client is gone: the same `patina import` goes on where it ended."


class Source(msgspec.Struct, frozen=True):
    """What an import reads, as its row's `result` holds it, beside what others keep there."""

    source: str
    digest: str
    repo: str | None


class Fed:
    """An import under way in this process."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.repos: set[str] = set()
        """The collections that it has written to."""
        self.timer: asyncio.TimerHandle | None = None

    def rest(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Imports:
    """Answers for the imports of this home."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._fed: dict[int, Fed] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.handlers: Mapping[type, Handler] = {
            wire.OpenImport: self._open,
            wire.ImportBatch: self._batch,
            wire.CloseImport: self._close,
        }
        self.streams: Mapping[type, Stream] = {}

    async def stop(self) -> None:
        """Say of every import under way that it was interrupted."""
        for id in list(self._fed):
            await self._interrupt(id)

    async def _open(self, request: wire.OpenImport) -> wire.Job:
        before = await self._attempt_before(request)
        if before is not None and request.force:
            await self._save(before, state="cancelled", ended_at=time.time(), message="It was begun anew.")
            before = None
        record = await self._add(request) if before is None else await self._resume(before)
        self._fed.setdefault(record.id, Fed())
        self._expect_more(record.id)
        return shown(record)

    async def _batch(self, request: wire.ImportBatch) -> wire.Job:
        fed = self._fed.get(request.job) or Fed()
        async with fed.turn:
            record = await self._running(request.job)
            first = request.upto - len(request.chunks) + 1
            if first != _reached(record) + 1:
                raise InvalidRequest(
                    f"Import {record.id} is at line {_reached(record)}, and this batch begins with line {first}.",
                    hint="Somebody else may be feeding it too; begin again with OpenImport.",
                    param="upto",
                )
            fed.rest()
            try:
                lines = [Line(number, chunk) for number, chunk in enumerate(request.chunks, first)]
                whole = await self._rooms.run(lambda: list(documents(lines)))
                for repo, group in groupby(whole, key=lambda one: one[0].chunk.repo):
                    await self._write(record, fed, list(group), record.collection or repo)
            finally:
                self._expect_more(record.id)
            return shown(await self._running(request.job))

    async def _close(self, request: wire.CloseImport) -> wire.Job:
        record = await self._running(request.job)
        if record.total is not None and record.done < record.total:
            raise InvalidRequest(
                f"Import {record.id} is at line {record.done} of {record.total}.",
                hint="Hand over the rest first.",
                param="job",
            )
        fed = self._fed.pop(record.id, None) or Fed()
        fed.rest()
        collection = record.collection or (next(iter(fed.repos)) if len(fed.repos) == 1 else "")
        return shown(await self._save(record, state="succeeded", ended_at=time.time(), collection=collection))

    # -- one batch ----------------------------------------------------------------------------------------------------

    async def _write(self, record: JobRecord, fed: Fed, whole: list[list[Line]], repo: str) -> None:
        """Documents of one collection, and how far the import is with them, in one transaction."""
        indexing = self._rooms.indexing
        entries = await self._rooms.run(lambda: [entry(lines, repo) for lines in whole])
        upto = whole[-1][-1].number
        mark = JobMark(id=record.id, stage="import", done=upto, total=record.total, cursor=str(upto))
        async with indexing.alone(repo, root="") as shelved:
            if repo not in fed.repos:
                await indexing.look_for_model(shelved)
                fed.repos.add(repo)
            await indexing.commit(shelved, Write(collection=repo, puts=entries, job=mark))

    def _expect_more(self, id: int) -> None:
        """From now on count the time until the client is given up."""
        fed = self._fed.get(id)
        if fed is not None:
            fed.rest()
            fed.timer = asyncio.get_running_loop().call_later(IDLE_S, self._give_up, id)

    def _give_up(self, id: int) -> None:
        task = asyncio.create_task(self._interrupt(id))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _interrupt(self, id: int) -> None:
        fed = self._fed.pop(id, None)
        if fed is None:
            return
        async with fed.turn:
            fed.rest()
            try:
                record = await self._running(id)
                await self._save(record, state="interrupted", ended_at=time.time(), message=LEFT)
            except PatinaError:
                pass  # it has ended otherwise, or the store takes nothing: then the next start says it

    # -- rows ---------------------------------------------------------------------------------------------------------

    async def _attempt_before(self, request: wire.OpenImport) -> JobRecord | None:
        """The last import of the source, if it did not come to its end. Raises `InvalidRequest` if that has changed."""
        rows: list[JobRecord] = await self._rooms.run(self._rooms.store.jobs, (), REMEMBERED)
        for row in rows:
            source = _source(row)
            if source is None or (source.source, source.repo) != (request.source, request.repo):
                continue
            changed = source.digest != request.digest
            if row.state == "succeeded" or (changed and row.state == "cancelled"):
                return None
            if changed and not request.force:
                raise InvalidRequest(
                    f"{request.source} is not what it was when import {row.id} began, which is at line {row.done}.",
                    hint="Begin anew with --force, or give it what it was begun with.",
                    param="source",
                )
            return row
        return None

    async def _add(self, request: wire.OpenImport) -> JobRecord:
        source = Source(request.source, request.digest, request.repo)
        now = time.time()
        record = JobRecord(
            kind="import",
            collection=request.repo or "",
            state="running",
            stage="import",
            total=request.lines,
            result=msgspec.json.encode(source).decode(),
            attempts=1,
            created_at=now,
            started_at=now,
        )
        id = await asyncio.wrap_future(await self._rooms.run(self._rooms.store.add_job, record))
        return structs.replace(record, id=id)

    async def _resume(self, record: JobRecord) -> JobRecord:
        return await self._save(record, state="running", attempts=record.attempts + 1, ended_at=None, message="")

    async def _running(self, id: int) -> JobRecord:
        record: JobRecord | None = await self._rooms.run(self._rooms.store.job, id)
        if record is None:
            raise JobNotFound(f"There is no job {id}.", hint="`patina jobs list` shows those that are remembered.")
        if record.kind != "import" or record.state != "running":
            raise InvalidRequest(
                f"Job {id} takes nothing in: it is {record.state}.",
                hint="Run the same `patina import` again to go on.",
                param="job",
            )
        return record

    async def _save(self, record: JobRecord, **changes: object) -> JobRecord:
        changed = structs.replace(record, **changes)
        await asyncio.wrap_future(await self._rooms.run(self._rooms.store.save_job, changed))
        return changed


def _source(record: JobRecord) -> Source | None:
    if record.kind != "import" or not record.result:
        return None
    return msgspec.json.decode(record.result, type=Source)


def _reached(record: JobRecord) -> int:
    """The last line that is durable."""
    return int(record.cursor or 0)
