"""What a client can be asked to do: `patina.wire` as methods."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

from patina import wire
from patina.errors import Corrupt
from patina.protocols import Connection
from patina.types import Kind

if TYPE_CHECKING:
    from patina.client.lines import Source
    from patina.types import Vectors

R = TypeVar("R")

BACKUP_DIGEST_BYTES = 16


class Client:
    """Asks over a connection. Every method raises the `PatinaError` that the other side raised."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def handle(self, request: wire.Request[R]) -> R:
        """Any request of `patina.wire`."""
        return await self._connection.handle(request)

    def stream(self, request: wire.Request[Any]) -> AsyncIterator[wire.Event]:
        """The events of an `IndexPaths` or an `Export`; the last one is the reply. `aclose()` cancels."""
        return self._connection.stream(request)

    async def scry(self, query: str, **fields: Any) -> wire.Hits:
        """Ask; the fields are those of `wire.Scry`."""
        return await self.handle(wire.Scry(query=query, **fields))

    async def index(
        self, repo: str, documents: Sequence[Mapping[str, Any] | wire.InputDocument], wait: bool = True
    ) -> wire.IndexReport:
        """Take in documents: mappings with the fields of `wire.InputDocument`."""
        plain = [msgspec.to_builtins(document) for document in documents]
        try:
            given = msgspec.convert(plain, list[wire.InputDocument])
        except msgspec.ValidationError as error:
            raise wire.invalid(error, list[wire.InputDocument]) from None
        return await self.handle(wire.Index(repo=repo, documents=given, wait=wait))

    async def index_paths(
        self, paths: Sequence[str | Path], name: str | None = None, **fields: Any
    ) -> list[wire.IndexReport]:
        """Take in files and folders of the daemon's machine; one report for each collection they belong to."""
        request = wire.IndexPaths(paths=_absolute(paths), name=name, **fields)
        return (await self.handle(request)).reports

    async def embed(
        self, texts: Sequence[str], kind: Kind = "query", model: str | None = None, truncate: bool = False
    ) -> Vectors:
        """float32 [n, dimension], rows L2-normalised, in the order of the texts."""
        import numpy as np  # a client that only asks does without

        reply = await self.handle(wire.Embed(texts=list(texts), kind=kind, model=model, truncate=truncate))
        vectors: Vectors = np.frombuffer(b"".join(reply.vectors), "<f4").reshape(len(reply.vectors), reply.dimension)
        return vectors

    async def ping(self) -> wire.Pong:
        return await self.handle(wire.Ping())

    async def status(self) -> wire.StatusReply:
        return await self.handle(wire.Status())

    async def models(self) -> list[wire.ModelEntry]:
        """Every model that can be named, the default first."""
        return (await self.handle(wire.Models())).models

    async def verify(self, repos: Sequence[str] = (), full: bool = False) -> wire.VerifyReport:
        return await self.handle(wire.Verify(repos=list(repos), full=full))

    async def rebuild(self, repo: str) -> wire.IndexReport:
        return await self.handle(wire.Rebuild(repo=repo))

    async def export(self, repos: Sequence[str] = ()) -> AsyncIterator[wire.ExportedChunk]:
        """Every chunk, collection by collection, in the documents' order."""
        async for event in self.stream(wire.Export(repos=list(repos))):
            if isinstance(event, wire.ExportedChunk):
                yield event

    async def import_lines(
        self, source: Source, repo: str | None = None, force: bool = False
    ) -> AsyncIterator[wire.Job]:
        """Hand over an export, or the rest of it: the job after each batch, which then is durable, the ended one last.

        repo: where to put everything; None keeps the collections' names. Raises `InvalidRequest` when an import of the
        source was broken off and the source has changed since, unless it is forced to begin anew.
        """
        job = await self.handle(
            wire.OpenImport(source=source.name, digest=source.digest, lines=source.lines, repo=repo, force=force)
        )
        yield job
        for lines in source.batches(int(job.cursor or 0)):
            chunks = [msgspec.structs.replace(line.chunk, snippet="") for line in lines]
            yield await self.handle(wire.ImportBatch(job=job.id, chunks=chunks, upto=lines[-1].number))
        yield await self.handle(wire.CloseImport(job=job.id))

    async def delete(self, repo: str, **fields: Any) -> wire.Deleted:
        """Remove passages, documents or the whole collection; the fields are those of `wire.Delete`."""
        return await self.handle(wire.Delete(repo=repo, **fields))

    async def stats(self, repos: Sequence[str] = ()) -> wire.StatsReply:
        return await self.handle(wire.Stats(repos=list(repos)))

    async def commit(self) -> wire.Committed:
        """Wait until all that was taken in before is durable and found by words."""
        return await self.handle(wire.Commit())

    async def backup(self, file: BinaryIO) -> wire.BackupDone:
        """Write a copy of the whole store into a file. Raises `Corrupt` when it did not arrive as it was sent."""
        whole = hashlib.blake2b(digest_size=BACKUP_DIGEST_BYTES)
        async for event in self.stream(wire.Backup()):
            if isinstance(event, wire.BackupPart):
                file.write(event.data)
                whole.update(event.data)
            elif isinstance(event, wire.BackupDone) and whole.hexdigest() == event.digest:
                return event
        raise Corrupt("The backup did not arrive as it was sent.", hint="Run the same command again.")

    async def plan_rebuild(self, repos: Sequence[str] = ()) -> wire.RebuildPlan:
        return await self.handle(wire.PlanRebuild(repos=list(repos)))

    async def shutdown(self) -> wire.Stopping:
        """Ask the daemon to end once what is in flight has ended."""
        return await self.handle(wire.Shutdown())


def _absolute(paths: Sequence[str | Path]) -> list[str]:
    """Paths as the daemon can use them, which does not work where we do."""
    return [str(Path(path).absolute()) for path in paths]
