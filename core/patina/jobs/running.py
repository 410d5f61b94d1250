"""A job in this process: what it is to do, how far it is, and who listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Literal, TypeAlias

from msgspec import structs

from patina import codec
from patina.errors import Failed, PatinaError, Unavailable
from patina.indexing import Errand
from patina.indexing.errand import Turn
from patina.jobs.record import MAX_ERRORS, Outcome, Work, shown, written
from patina.store import JobRecord, JobState
from patina.wire import Event, Index, Job, Progress

HEARTBEAT_S = 15.0
"""A job that has nothing to tell is told of again, so that nobody takes the line for dead."""
WAITING_S = 2.0
"""From here on one that has not begun says that it waits."""

End: TypeAlias = Literal["cancelled", "interrupted"]


class Running:
    """One that is queued or under way. Its row says what is on the disk; the rest is told from here."""

    def __init__(self, record: JobRecord, work: Work, turn: Turn) -> None:
        self.record = record
        self.work = work
        self.errand = Errand(record.id, record.cursor, turn)
        self.task: asyncio.Task[None]
        self.wanted: End | None = None
        """What somebody wants it to end as."""
        self.reply: Event | None = None
        """What its request is answered with, once it has succeeded."""
        self.error: PatinaError | None = None
        self.settled = False
        """Its work has ended, well or not: nothing can be cancelled any more."""
        self.over = False
        """Its end is on the disk, or could not be written there."""
        self._told: dict[tuple[str, str], Progress] = {}
        """The last of each stage, by collection and stage, in their order."""
        self._news = asyncio.Event()

    @property
    def begun(self) -> bool:
        return self.record.state != "queued"

    @property
    def _progress(self) -> Progress | None:
        """The last that was told."""
        return next(reversed(self._told.values()), None)

    @property
    def held_bytes(self) -> int:
        """What its documents take in memory."""
        return sum(len(document.text) for document in getattr(self.work, "documents", ()))

    # -- how far it is ------------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Pass on what the run says."""
        if isinstance(event, Progress):
            self._told[event.repo, event.stage] = event
        else:
            self.reply = event
        self.announce()

    def announce(self) -> None:
        """Wake those who watch."""
        self._news.set()
        self._news = asyncio.Event()

    def row(self) -> JobRecord:
        """The record with how far it is now."""
        told, errand = self._progress, self.errand
        failed = errand.failed
        return structs.replace(
            self.record,
            stage=told.stage if told else self.record.stage,
            done=told.done if told else self.record.done,
            total=told.total if told else self.record.total,
            cursor=errand.cursor,
            failed=len(failed),
            errors=[(failure.path, failure.reason) for failure in failed[:MAX_ERRORS]],
        )

    def job(self) -> Job:
        """As a client sees it."""
        job = shown(self.row())
        if self.over:
            outcome = Outcome.of(self.reply, self.error)
            return structs.replace(job, reports=outcome.reports, failure=outcome.failure)
        told = self._progress
        return structs.replace(job, rate=told.rate if told else 0.0, eta_s=told.eta_s if told else None)

    async def progress(self) -> AsyncIterator[Progress]:
        """How it goes, until it is over; one who is slow to listen misses steps, but no stage and not the end."""
        heard: dict[tuple[str, str], Progress] = {}
        over = False
        while not over:
            over, news = self.over, self._news
            for stage, told in list(self._told.items()):
                if heard.get(stage) is not told:
                    heard[stage] = told
                    yield told
            if not over and not await _set_within(news, HEARTBEAT_S if heard else WAITING_S):
                yield self._progress or Progress(repo=self.record.collection, stage="queued", done=0, total=None)

    def answer(self) -> Event:
        """What its request is answered with, now that it is over; raises what kept it from succeeding."""
        if self.error is not None:
            raise self.error
        if self.reply is None or self.record.state != "succeeded":
            kind = Unavailable if self.record.state == "interrupted" else Failed
            raise kind(
                f"Job {self.record.id} was {self.record.state}. {self.record.message}".rstrip(),
                hint=f"See `patina jobs show {self.record.id}`.",
            )
        return self.reply

    # -- how it ends --------------------------------------------------------------------------------------------------

    def give_up(self, end: End) -> None:
        """Let its run end within a batch, unless it is at its end already; who comes second changes nothing.

        A task that is cancelled before its first step would not come to its own end, hence not at once.
        """
        if self.wanted is None and not self.settled:
            self.wanted = end
            asyncio.get_running_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        if not self.settled:
            self.task.cancel()

    def last_row(self, state: JobState) -> JobRecord:
        """Its record, now that its work has ended so."""
        going_on = state == "interrupted"
        return structs.replace(
            self.row(),
            state=state,
            ended_at=None if going_on else time.time(),
            attempts=self.record.attempts - (going_on and self.begun),
            result=codec.encode(Outcome.of(self.reply, self.error).brief()).decode(),
            message=self._message(state),
            request=self._request(state),
        )

    def _message(self, state: JobState) -> str:
        if state == "interrupted":
            return "It was stopped together with its daemon, and goes on when one runs."
        if state == "cancelled":
            told = self._progress
            if told is None:
                return "It had not begun."
            stored = "All of it is stored, and embedded behind" if told.stage == "embed" else "What was stored is kept"
            return f"{stored}."
        return str(self.error) if self.error else ""

    def _request(self, state: JobState) -> str:
        """Documents that are stored need not be kept here too; those that must wait for another daemon are."""
        if state == "interrupted":
            return written(self.work)
        return "" if state == "succeeded" and isinstance(self.work, Index) else self.record.request


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
