"""Documents and files in."""

from __future__ import annotations

from collections.abc import Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.indexing import Errand


class Intake:
    """Hands what is to be taken in to the collections' writers: files always as a job, documents if they may wait."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {wire.Index: self._index}
        self.streams: Mapping[type, Stream] = {
            wire.IndexPaths: rooms.jobs.answered,
            wire.Rebuild: rooms.jobs.answered,
        }

    async def _index(self, request: wire.Index) -> wire.IndexReport:
        if request.ack == "queued":
            job = await self._rooms.jobs.start(request, kept=False)
            return wire.IndexReport(repo=request.repo, job=job.id, note=f"`patina jobs show {job.id}` follows it.")
        report = None
        async for event in self._rooms.indexing.documents(request, Errand()):
            report = event if isinstance(event, wire.IndexReport) else None
        if report is None:
            raise RuntimeError("a run ended without its report")
        return report
