"""Looking after what is there: verify, export."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from functools import partial

from patina import verify, wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.retrieval.snippet import snippet
from patina.types import Chunk, Document
from patina.wire import Event


class Keeping:
    """Answers about the collections as wholes."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {wire.Verify: self._verify}
        self.streams: Mapping[type, Stream] = {wire.Export: self._export}

    async def _verify(self, request: wire.Verify) -> wire.VerifyReport:
        started = time.perf_counter()
        collections = self._rooms.shelf.choose(request.repos)
        found = await self._rooms.indexing.quietly(
            collections, partial(verify.faults, self._rooms.store, collections, request.full)
        )
        counts = [await self._rooms.run(self._rooms.store.counts, one.name) for one in collections]
        return wire.VerifyReport(
            ok=not found,
            collections=len(collections),
            chunks=sum(count.chunks for count in counts),
            faults=found,
            took_ms=round((time.perf_counter() - started) * 1000, 3),
        )

    async def _export(self, request: wire.Export) -> AsyncIterator[Event]:
        total = 0
        for one in self._rooms.shelf.choose(request.repos):
            documents = await self._rooms.run(self._rooms.store.documents, one.name)
            chunks = self._rooms.store.iterate(one.name)
            while chunk := await self._rooms.run(next, chunks, None):
                total += 1
                yield _exported(chunk, documents[chunk.path])
        yield wire.Exported(chunks=total)


def _exported(chunk: Chunk, document: Document) -> wire.ExportedChunk:
    return wire.ExportedChunk(
        id=chunk.id,
        repo=chunk.repo,
        path=chunk.path,
        location=chunk.location,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        title=chunk.title,
        heading=list(chunk.heading),
        text=chunk.text,
        snippet=snippet(chunk.text),
        previous=chunk.previous,
        next=chunk.next,
        start_byte=chunk.start_byte,
        end_byte=chunk.end_byte,
        language=chunk.language,
        metadata=chunk.metadata,
        document=wire.Origin(
            digest=document.digest, size=document.size, modified_ns=document.modified_ns, chunker=document.chunker
        ),
    )
