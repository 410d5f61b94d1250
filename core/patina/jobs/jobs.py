"""Jobs: begun, watched, ended, and gone on with after the process that ran them is gone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing, asynccontextmanager
from typing import Any

from msgspec import structs

from patina.errors import Busy, Failed, InvalidRequest, JobNotFound, PatinaError, Unavailable
from patina.indexing import Indexing
from patina.jobs import record
from patina.jobs.record import Work
from patina.jobs.recovery import found
from patina.jobs.running import Running
from patina.store import JobRecord, JobState, Store
from patina.wire import Event, Index, IndexPaths, Job, Progress, Rebuild, RetryJob, Watched

log = logging.getLogger(__name__)

Run = Callable[..., Awaitable[Any]]

MAX_RUNNING = 4
MAX_WAITING = 1_000
MAX_HELD_BYTES = 256 << 20
"""Of documents that wait in memory for their turn."""
MAX_REMEMBERED = 5_000
"""Rows that are looked through at the start; the store keeps no more than 1,000 that have ended."""
CANCEL_WAIT_S = 2.0
"""What an end may take before a cancellation is answered without it."""
LOOK_EVERY_S = 1.0
"""At a job that a client feeds, and that only its row tells of."""


class Jobs:
    """Does what is asked for, at most `MAX_RUNNING` jobs at once, and keeps a row of each.

    A job that waits for others to write to its collection takes nobody's place. All methods are for the event loop.
    """

    def __init__(self, store: Store, indexing: Indexing, run: Run) -> None:
        self._store = store
        self._indexing = indexing
        self._run = run
        self._here: dict[int, Running] = {}
        self._places = asyncio.Semaphore(MAX_RUNNING)
        self._stopping = False

    # -- with the process ---------------------------------------------------------------------------------------------

    async def recover(self, *, resume: bool) -> None:
        """Look after what the last process left: with `resume` go on with it, else only say what became of it."""
        rows = await self._run(self._store.jobs, ("queued", "running", "cancelling", "interrupted"), MAX_REMEMBERED)
        for before in reversed(rows):
            after = found(before)
            if after != before:
                await self._try_to_save(after)
            if resume and not record.over(after):
                log.info("job=%d kind=%s goes on", after.id, after.kind)
                self._launch(structs.replace(after, state="queued"), record.read(after.request))

    async def stop(self) -> None:
        """Interrupt what is under way, and take nothing more: what is not done goes on in the next process."""
        self._stopping = True
        running = list(self._here.values())
        for one in running:
            one.give_up("interrupted")
        await asyncio.gather(*(one.task for one in running))

    @property
    def working(self) -> bool:
        """Whether something is queued or under way."""
        return any(not running.over for running in self._here.values())

    # -- what is asked ------------------------------------------------------------------------------------------------

    async def start(self, work: Work, *, kept: bool = True) -> Job:
        """Begin, and return at once. Raises `Busy`, and what keeps the work from beginning at all.

        Work that is not `kept` is lost if the process is killed before it is done.
        """
        return (await self._start(work, kept)).job()

    async def answered(self, work: Work) -> AsyncIterator[Event]:
        """A job's progress, then the reply to its request. Closing cancels the job and waits for its end."""
        running = await self._start(work, kept=True)
        try:
            async for progress in running.progress():
                yield progress
            yield running.answer()
        finally:
            running.give_up("cancelled")
            await asyncio.wait({running.task})

    async def watch(self, id: int) -> AsyncIterator[Event]:
        """A job's progress until it ends, then `Watched`. Raises `JobNotFound`."""
        running = self._here.get(id)
        async for progress in running.progress() if running else self._from_row(id):
            yield progress
        yield Watched(job=running.job() if running else await self.find(id))

    async def find(self, id: int) -> Job:
        """Raises `JobNotFound`."""
        row = await self._row(id)
        return self._here[id].job() if id in self._here else record.shown(row)

    async def recent(self, states: Sequence[JobState] = (), limit: int = 50) -> list[Job]:
        """The newest first, in brief."""
        rows: list[JobRecord] = await self._run(self._store.jobs, states, limit)
        jobs = [self._here[row.id].job() if row.id in self._here else record.shown(row) for row in rows]
        return [record.brief(job) for job in jobs if not states or job.state in states]

    async def under_way(self) -> list[Job]:
        """Those that are queued or run, here or fed by a client."""
        return await self.recent(("queued", "running", "cancelling"), MAX_REMEMBERED)

    async def cancel(self, id: int) -> Job:
        """End a job within a batch; one that has ended is left as it is. Raises `JobNotFound`."""
        running = self._here.get(id)
        if running is None:
            row = await self._row(id)
            return record.shown(row if record.over(row) else await self._save(_cancelled(row)))
        if running.wanted is None and not running.settled:
            running.give_up("cancelled")
            if running.begun:
                running.record = structs.replace(running.record, state="cancelling")
                await self._try_to_save(running.row())
        await asyncio.wait({running.task}, timeout=CANCEL_WAIT_S)
        return running.job()

    async def resume(self, id: int) -> Job:
        """Go on with a job that has ended without success. Raises `JobNotFound`, `InvalidRequest`."""
        row = await self._row(id)
        if self._goes_on(id):
            return self._here[id].job()
        if row.state == "succeeded":
            raise InvalidRequest(f"Job {id} has succeeded: there is nothing to go on with.", param="id")
        return await self._again(row)

    async def retry(self, request: RetryJob) -> Job:
        """Try a job's failed inputs again, and what the model refused of its collections.

        Without a job only the latter, as a job of its own. Raises `JobNotFound`, `InvalidRequest`.
        """
        if request.id is None:
            return await self.start(request)
        row = await self._row(request.id)
        if self._goes_on(row.id):
            return self._here[row.id].job()
        job = record.shown(row)
        repos = [job.repo] if job.repo else [report.repo for report in job.reports]
        if row.request and (row.kind == "index" or row.state != "succeeded"):
            await self._indexing.forgive(repos)
            return await self._again(row)
        return await self.start(RetryJob(repos=repos))

    # -- one job ------------------------------------------------------------------------------------------------------

    async def _start(self, work: Work, kept: bool) -> Running:
        self._check_room(work)
        row = record.new(work, await self._indexing.look(work), kept=kept)
        added: Future[int] = await self._run(self._store.add_job, row)
        return self._launch(structs.replace(row, id=await asyncio.wrap_future(added)), work)

    async def _again(self, row: JobRecord) -> Job:
        if not row.request:
            again = "Run the same `patina import` again." if row.kind == "import" else "Hand them over again."
            raise InvalidRequest(f"Job {row.id} was fed by a client: only it can go on.", hint=again, param="id")
        work = record.read(row.request)
        self._check_room(work)
        row = await self._save(
            structs.replace(row, state="queued", attempts=0, ended_at=None, message="", result="", errors=[], failed=0)
        )
        return (self._here[row.id] if self._goes_on(row.id) else self._launch(row, work)).job()

    def _check_room(self, work: Work) -> None:
        if self._stopping:
            raise Unavailable("The daemon is stopping.", hint="Ask again once it runs.")
        going_on = [running for running in self._here.values() if not running.over]
        waiting = sum(not running.begun for running in going_on)
        if waiting >= MAX_WAITING:
            raise Busy(f"{waiting} jobs are waiting already.", hint="Try again when some of them have ended.")
        if isinstance(work, Index) and sum(running.held_bytes for running in going_on) >= MAX_HELD_BYTES:
            raise Busy("Too many documents are waiting already.", hint="Try again when some of the jobs have ended.")

    def _launch(self, row: JobRecord, work: Work) -> Running:
        running = self._here[row.id] = Running(row, work, lambda: self._turn(running))
        running.task = asyncio.create_task(self._do(running))
        if self._stopping:
            running.give_up("interrupted")
        return running

    def _goes_on(self, id: int) -> bool:
        return id in self._here and not self._here[id].over

    async def _do(self, running: Running) -> None:
        state: JobState = "succeeded"
        try:
            async with aclosing(self._events(running)) as events:  # type: ignore[type-var]
                async for event in events:
                    running.tell(event)
        except asyncio.CancelledError:
            state = running.wanted or "interrupted"
        except PatinaError as error:
            state, running.error = "failed", error
        except Exception as error:  # a job's edge: whatever it is, the job has failed and the daemon lives on
            log.exception("job=%d failed", running.record.id)
            state = "failed"
            running.error = Failed(f"The job failed: {type(error).__name__}.", hint="The log has the details.")
        running.settled = True
        running.record = running.last_row(state)
        saved = await self._try_to_save(running.record)
        running.over = True
        running.announce()
        if saved:
            del self._here[running.record.id]

    def _events(self, running: Running) -> AsyncIterator[Event]:
        match running.work:
            case IndexPaths() as work:
                return self._indexing.paths(work, running.errand)
            case Index() as work:
                return self._indexing.documents(work, running.errand)
            case Rebuild() as work:
                return self._indexing.rebuild(work, running.errand)
            case RetryJob() as work:
                return self._indexing.retry(work, running.errand)

    @asynccontextmanager
    async def _turn(self, running: Running) -> AsyncIterator[None]:
        async with self._places:
            if not running.begun:
                row = running.record
                started_at = row.started_at or time.time()
                running.record = structs.replace(
                    row, state="running", attempts=row.attempts + 1, started_at=started_at, message=""
                )
                await self._save(running.record)
            yield

    # -- rows ---------------------------------------------------------------------------------------------------------

    async def _row(self, id: int) -> JobRecord:
        """As the disk has it, or as it should have it."""
        if id in self._here:
            return self._here[id].row()
        row: JobRecord | None = await self._run(self._store.job, id)
        if row is None:
            raise JobNotFound(f"There is no job {id}.", hint="`patina jobs list` shows those that are remembered.")
        return row

    async def _save(self, row: JobRecord) -> JobRecord:
        saved: Future[int] = await self._run(self._store.save_job, row)
        await asyncio.wrap_future(saved)
        return row

    async def _try_to_save(self, row: JobRecord) -> bool:
        """Whether it could be. If not, the job is told of from memory, and gone on with after a restart."""
        try:
            await self._save(row)
        except PatinaError as error:
            log.warning("job=%d its row is not up to date: %s", row.id, error)
            return False
        return True

    async def _from_row(self, id: int) -> AsyncIterator[Progress]:
        """How a job goes that a client feeds."""
        while not record.over(row := await self._row(id)) and row.state != "interrupted":
            yield Progress(repo=row.collection, stage=row.stage or row.state, done=row.done, total=row.total)
            await asyncio.sleep(LOOK_EVERY_S)


def _cancelled(row: JobRecord) -> JobRecord:
    return structs.replace(row, state="cancelled", ended_at=time.time(), message="What was stored is kept.")
