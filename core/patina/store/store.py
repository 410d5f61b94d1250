"""The store as the rest of the house sees it."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from patina.config import StoreSettings
from patina.store import catalogue, documents, failures, filters, jobs, log, reader, similar, vectors
from patina.store.check import check
from patina.store.connection import Connections, FileConnections, MemoryConnections
from patina.store.records import (
    Collection,
    Counts,
    Entry,
    Failure,
    JobRecord,
    JobState,
    Sizes,
    Waiting,
    Write,
)
from patina.store.sizes import sizes
from patina.store.surroundings import Surroundings, surroundings
from patina.store.writer import Writer
from patina.types import Change, Chunk, Document, Fault, Seq
from patina.wire import Filter

PAGE_DOCUMENTS = 16
"""What `entries` reads at a time."""


class Store:
    """One home's truth. Any thread may call anything; one process has it open at a time, which the home's lock sees to.

    Methods that write queue their work and return a future that is done once the work is on the disk; they block only
    while too much is queued (`settings.queue_chunks`). Done futures hold a position in the log: an index that has
    applied everything up to it knows of the write. Their errors: `NotFound` for an unknown collection, `StorageFull`
    and `StorageFailed` when the disk is full or fails, `Corrupt` for a damaged file. A full disk is tried again with
    the next write; after a disk that failed the file is opened anew first. A future that is cancelled in time is not
    carried out. Callbacks of futures run on the store's thread: they may read, and must not write or wait.

    Methods that read see the last commit, whole. A collection that does not exist is empty. They raise `Corrupt`,
    `StorageFailed`, and `Unavailable` once the store is closed.
    """

    def __init__(self, connections: Connections, path: Path | None, settings: StoreSettings) -> None:
        self.path = path
        self.settings = settings
        self._connections = connections
        self._writer = Writer(connections, str(path or "in memory"), settings)

    @classmethod
    def open(cls, path: Path | None, settings: StoreSettings | None = None) -> Store:
        """Open or create the file at `path` (None: in memory, where nothing is durable).

        An older format is brought up to date, after a copy named `….format-N` was laid beside it. Raises `Corrupt` for
        a newer format or a file that is no store, `StorageFull` and `StorageFailed` if it cannot be read and written.
        """
        return cls(MemoryConnections() if path is None else FileConnections(path), path, settings or StoreSettings())

    @property
    def in_memory(self) -> bool:
        return self.path is None

    @property
    def recovered(self) -> str | None:
        """A sentence if the store was found as a crash leaves it; nothing acknowledged is lost by that."""
        return self._connections.recovered

    @property
    def crowded(self) -> bool:
        """Whether somebody is writing faster than the disk takes it: what can be done later should be."""
        return self._writer.crowded

    def close(self) -> None:
        """Commit what is queued, let readings end, and close the file; closing twice is no error."""
        self._writer.close()
        self._connections.close()

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, write: Write) -> Future[Seq]:
        """Replace and remove documents, all in one transaction. The future holds the head of the collection's log.

        It fails with `JobNotFound`, and nothing is written, if the job that it marks is not there.
        Passages that stay the same keep their ids and vectors, and the log is silent about them.
        """
        for entry in write.puts:
            _check_entry(write.collection, entry)
        return self._writer.submit(
            partial(documents.write, change=write),
            chunks=sum(len(entry.chunks) or 1 for entry in write.puts) + len(write.deletes) + len(write.drop_chunks),
            size=sum(len(chunk.text.encode()) for entry in write.puts for chunk in entry.chunks),
            durable=write.ack == "durable",
        )

    def commit(self) -> Future[Seq]:
        """Have all that was written before on the disk, without waiting for company; what the future then holds is the
        last position of the log, over all collections.
        """
        return self._writer.submit(log.last, hurry=True)

    def put_vectors(self, identity: str, vectors_by_digest: Mapping[str, bytes]) -> Future[Seq]:
        """Keep vectors of a model (little-endian float32, by the text's digest) for the collections that use it.

        A digest that has a vector keeps it: a model gives one text one vector. The future holds the log's last
        position over all collections, and fails with `Mismatch` for vectors of another length than the model's.
        """
        if not identity or not vectors_by_digest:
            raise ValueError("vectors need the identity of their model, and there must be some")
        return self._writer.submit(
            partial(vectors.put, identity=identity, vectors=dict(vectors_by_digest)),
            chunks=len(vectors_by_digest),
            size=sum(len(vector) for vector in vectors_by_digest.values()),
        )

    def save_collection(self, collection: Collection) -> Future[Seq]:
        """Make a collection, or change what it is made with; its two times stay the store's own.

        With another identity its chunks have the vectors that are known of that model and wait for the rest, and the
        log tells all of them again.
        """
        return self._writer.submit(partial(catalogue.save, collection=collection))

    def drop_collection(self, name: str) -> Future[Seq]:
        """Remove a collection with all of its documents. Its log stays, and ends with a delete of every chunk."""
        return self._writer.submit(partial(catalogue.drop, name=name))

    def note_failures(self, collection: str, reasons_by_digest: Mapping[str, str]) -> Future[Seq]:
        """Remember which texts the collection's model refused, and why: `missing` leaves them out from now on.

        They are tried again after `forget_failures`, or when the collection gets another model.
        """
        note = partial(failures.note, collection=collection, reasons=dict(reasons_by_digest))
        return self._writer.submit(note, chunks=len(reasons_by_digest))

    def forget_failures(self, collection: str) -> Future[int]:
        """Let `missing` name the refused texts again; the future counts them. Their attempts are still counted."""
        return self._writer.submit(partial(failures.forget, collection=collection))

    def add_job(self, record: JobRecord) -> Future[int]:
        """Keep a new job; the future holds its id. Of those that have ended the newest `jobs.KEPT` are remembered."""
        return self._writer.submit(partial(jobs.add, record=record))

    def save_job(self, record: JobRecord) -> Future[Seq]:
        """Replace what is kept of a job; the future fails with `JobNotFound`."""
        return self._writer.submit(partial(jobs.save, record=record))

    def sweep_vectors(self, keep: int = 0) -> Future[int]:
        """Forget vectors that no live chunk uses, all but the last `keep`, for text that comes back.

        The future counts those that were looked at, at most `vectors.SWEPT_AT_ONCE`; 0 says that none is left.
        """
        return self._writer.submit(partial(vectors.sweep, keep=keep))

    def sweep_log(self, applied: Mapping[str, Seq] | None = None, keep: int = 0) -> Future[int]:
        """Forget what was deleted, up to the position of each collection that all of its indexes have applied durably.

        The last `keep` deletes of each stay. The future counts what was removed, at most `log.SWEPT_AT_ONCE` entries.
        See `swept`.
        """
        return self._writer.submit(partial(log.sweep, applied=dict(applied or {}), keep=keep))

    # -- reading ------------------------------------------------------------------------------------------------------

    def collections(self) -> list[Collection]:
        """By name."""
        with self._connections.reading() as connection:
            return reader.collections(connection)

    def collection(self, name: str) -> Collection | None:
        with self._connections.reading() as connection:
            return reader.collection(connection, name)

    def counts(self, collection: str) -> Counts:
        """Costs the same however much there is."""
        with self._connections.reading() as connection:
            return reader.counts(connection, collection)

    def sizes(self, collection: str) -> Sizes:
        """Reads all of the collection's texts and vectors."""
        with self._connections.reading() as connection:
            return sizes(connection, collection)

    def head(self, collection: str) -> Seq:
        """The last position of the collection in the log; 0 before its first."""
        with self._connections.reading() as connection:
            return log.head(connection, reader.key(connection, collection))

    def swept(self, collection: str) -> Seq:
        """Up to where deletes are forgotten: an index that holds anything and stands before that has to start over."""
        with self._connections.reading() as connection:
            return reader.swept(connection, collection)

    def changes(self, collection: str, after: Seq, limit: int) -> list[Change]:
        """What happened after a position, oldest first, about `limit` entries; none means that the end is reached.

        The last write of a page is there to its end, so that documents are whole wherever a follower stops.
        Each says what holds now: a chunk that is gone is a delete, a put carries its vector if it is known. Vectors
        are read-only float32 arrays of the collection's current model.
        """
        with self._connections.reading() as connection:
            key, model = reader.key(connection, collection), reader.model(connection, collection)
            return log.changes(connection, key, model, after, limit)

    def missing(self, collection: str, limit: int, skip: Names[str] = ()) -> list[Waiting]:
        """The distinct texts whose vector the collection waits for; oldest first, without the digests in `skip`."""
        with self._connections.reading() as connection:
            return reader.missing(connection, collection, limit, skip)

    def documents(self, collection: str, prefix: str = "") -> dict[str, Document]:
        """By path: all, or the one at `prefix` and those in the folder of that name."""
        with self._connections.reading() as connection:
            return reader.documents(connection, collection, prefix)

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Those of the ids that are alive, in the order asked."""
        with self._connections.reading() as connection:
            return reader.chunks(connection, ids)

    def document_chunks(self, collection: str, path: str) -> list[Chunk]:
        """In the order of the text."""
        with self._connections.reading() as connection:
            return reader.document_chunks(connection, collection, path)

    def vectors(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Little-endian float32 by chunk id, of each chunk's collection's model, where known."""
        with self._connections.reading() as connection:
            return reader.vectors(connection, ids)

    def surroundings(self, ids: Sequence[str], most: int) -> Surroundings:
        """The vectors of some chunks, and of each one's document those of at most `most` chunks, spread evenly."""
        with self._connections.reading() as connection:
            return surroundings(connection, ids, most)

    def embedded(self, collection: str) -> frozenset[str]:
        """The ids of the chunks whose vector is known."""
        with self._connections.reading() as connection:
            return reader.embedded(connection, collection)

    def select(self, collection: str, wanted: Filter) -> frozenset[str]:
        """The ids of the live chunks that the filter admits; all of them for an empty one.

        `path_prefix` is compared letter by letter: it need not end where a folder does. A document whose time of
        modification is not known is in no range of time.
        """
        with self._connections.reading() as connection:
            return filters.select(connection, reader.key(connection, collection), wanted)

    def similar(self, collection: str, simhash: int, bits: int) -> dict[str, int]:
        """When they were modified, in nanoseconds, by the paths of documents whose fingerprint differs in few bits."""
        with self._connections.reading() as connection:
            return similar.find(connection, reader.key(connection, collection), simhash, bits)

    def entries(self, collection: str) -> Iterator[Entry]:
        """Every document, by path. Those that are written meanwhile are seen whole, old or new."""
        after = ""
        while True:
            with self._connections.reading() as connection:
                page = reader.page(connection, collection, after, PAGE_DOCUMENTS)
            if not page:
                return
            yield from page
            after = page[-1].document.path

    def iterate(self, collection: str) -> Iterator[Chunk]:
        """Every chunk, by path and position, as `entries` sees them."""
        for entry in self.entries(collection):
            yield from entry.chunks

    def failures(self, collection: str, limit: int) -> list[Failure]:
        """The texts that the model refused and that a chunk still has, newest first."""
        with self._connections.reading() as connection:
            return failures.recent(connection, reader.key(connection, collection), limit)

    def job(self, id: int) -> JobRecord | None:
        with self._connections.reading() as connection:
            return jobs.find(connection, id)

    def jobs(self, states: Names[JobState] = (), limit: int = 100) -> list[JobRecord]:
        """Newest first, those in one of the states; of any state if none is given."""
        with self._connections.reading() as connection:
            return jobs.recent(connection, states, limit)

    def cursor(self, collection: str, source: str) -> str | None:
        """How far a source has been read, as the last write that said so left it."""
        with self._connections.reading() as connection:
            return reader.cursor(connection, collection, source)

    def snapshot(self, target: Path) -> None:
        """Lay a copy of the whole store at `target`, as of now, while writing goes on; it is on the disk afterwards.

        Nothing is at `target` before the copy is whole. `restore.restore` puts it back.
        """
        self._connections.copy(target)

    def check(self, full: bool) -> list[Fault]:
        """What is wrong with the file, if anything; `full` reads every byte and takes minutes for gigabytes."""
        with self._connections.reading() as connection:
            return check(connection, full)


def _check_entry(collection: str, entry: Entry) -> None:
    """Raise `ValueError` for an entry that could not be read back as it was handed over: its maker has a bug."""
    of = entry.document
    shared = (collection, of.path, of.location, of.title, of.language, of.metadata)
    for position, chunk in enumerate(entry.chunks):
        if chunk.position != position:
            raise ValueError(f"chunk {position} of {of.path!r} says that it is at {chunk.position}")
        if (chunk.repo, chunk.path, chunk.location, chunk.title, chunk.language, chunk.metadata) != shared:
            raise ValueError(f"chunk {position} of {of.path!r} does not agree with its document")
