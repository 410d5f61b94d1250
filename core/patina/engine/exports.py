"""All passages, for whoever wants to keep them elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.retrieval.snippet import snippet
from patina.types import Chunk, Document
from patina.wire import Event


class Exports:
    """Streams collections by name, their documents by path, and the passages of each in their order."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {}
        self.streams: Mapping[type, Stream] = {wire.Export: self._export}

    async def _export(self, request: wire.Export) -> AsyncIterator[Event]:
        total = 0
        for one in self._rooms.shelf.choose(request.repos):
            entries = self._rooms.store.entries(one.name)
            while entry := await self._rooms.run(next, entries, None):
                total += len(entry.chunks)
                for chunk in entry.chunks:
                    yield _exported(chunk, entry.document)
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
