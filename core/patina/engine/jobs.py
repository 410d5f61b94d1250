"""Work that goes on by itself: begin it, see it, end it, go on with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.wire import Event


class JobsDesk:
    """Answers for the jobs of this home."""

    def __init__(self, rooms: Rooms) -> None:
        self._jobs = rooms.jobs
        self.handlers: Mapping[type, Handler] = {
            wire.Start: self._start,
            wire.ListJobs: self._list,
            wire.ShowJob: self._show,
            wire.CancelJob: self._cancel,
            wire.ResumeJob: self._resume,
            wire.RetryJob: self._jobs.retry,
        }
        self.streams: Mapping[type, Stream] = {wire.WatchJob: self._watch}

    async def _start(self, request: wire.Start) -> wire.Job:
        return await self._jobs.start(request.work)

    async def _list(self, request: wire.ListJobs) -> wire.JobList:
        return wire.JobList(jobs=await self._jobs.recent(request.states, request.limit))

    async def _show(self, request: wire.ShowJob) -> wire.Job:
        return await self._jobs.find(request.id)

    def _watch(self, request: wire.WatchJob) -> AsyncIterator[Event]:
        return self._jobs.watch(request.id)

    async def _cancel(self, request: wire.CancelJob) -> wire.Job:
        return await self._jobs.cancel(request.id)

    async def _resume(self, request: wire.ResumeJob) -> wire.Job:
        return await self._jobs.resume(request.id)
