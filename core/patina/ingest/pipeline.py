"""From files, or documents handed over as data, to committed text.

One run takes files into one collection, on a thread of its own: what has not changed is not read, what has is cut and
committed in batches, what is gone is removed. The old version of a document stays until the new one is committed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import msgspec
from msgspec import structs

from patina.config import IngestSettings
from patina.errors import Failed, InvalidRequest
from patina.identity import digest
from patina.ingest.duplicates import Duplicates
from patina.ingest.entry import Cutter, documents_size, entry
from patina.ingest.extract import extract
from patina.ingest.walk import Found, Skipped, Walk, read, walk
from patina.store import Ack, Entry, JobMark, Store, Write
from patina.types import Document, Seq
from patina.wire import IndexReport, InputDocument, InputFailure

BATCH_CHUNKS = 256
BATCHES_IN_FLIGHT = 4


class Tally:
    """What a run has done so far; read by the event loop while the run's thread writes."""

    def __init__(self) -> None:
        self.seen = 0
        self.total: int | None = None
        self.cursor: str | None = None
        """How far it is for good: the last file, or the number of documents, of the last commit."""
        self.added = self.changed = self.removed = self.unchanged = self.chunks = 0
        self.skipped: Counter[str] = Counter()
        self.failed: list[InputFailure] = []

    def report(self, repo: str) -> IndexReport:
        return IndexReport(
            repo=repo,
            added=self.added,
            changed=self.changed,
            removed=self.removed,
            unchanged=self.unchanged,
            chunks=self.chunks,
            skipped=dict(sorted(self.skipped.items())),
            failed=self.failed,
        )


class Intake:
    """One run into one collection, its documents read and written a batch at a time.

    `committed` is called, on the store's thread, after each commit. Every write marks how far the run is in the row of
    the job of that number, if there is one.
    """

    def __init__(  # noqa: PLR0913 - each is another part of a run
        self,
        store: Store,
        collection: str,
        cutter: Cutter,
        committed: Callable[[], object],
        *,
        duplicates: Duplicates,
        ack: Ack = "durable",
        job: int | None = None,
    ) -> None:
        self.tally = Tally()
        self._store = store
        self._collection = collection
        self._cutter = cutter
        self._committed = committed
        self._duplicates = duplicates
        self._ack = ack
        self._job = job
        self._cursor: str | None = None
        self._entries: list[Entry] = []
        self._replaced: list[str] = []
        """Paths of near-duplicates that the entries take the place of."""
        self._leaving: set[str] = set()
        """Paths of documents that this run is going to remove."""
        self._in_flight: deque[Future[Seq]] = deque()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the run at the next file; what is committed stays."""
        self._stopped.set()

    def take_files(self, root: Path, starts: Sequence[Path], limits: IngestSettings, *, strict: bool = False) -> None:
        """Bring the collection in line with the files under `starts`. Blocks until it is committed."""
        for start in starts:
            if not self._stopped.is_set():
                self._take_tree(root, start, walk(root, start, limits), strict)
        self._flush()
        self._settle(0)

    def take_documents(self, documents: Sequence[InputDocument], skip: int = 0) -> None:
        """Take in documents handed over as data; one of a known name replaces it. Blocks until they are committed.

        The last of several with one name counts. `skip` passes over the first ones, which an earlier run took in.
        """
        prepared = [_prepare(document, position) for position, document in enumerate(documents)]
        latest = list({document.path: (document, text) for document, text in prepared}.values())
        known = self._store.documents(self._collection)
        self.tally.total = len(latest)
        self.tally.seen = skip
        for document, text in latest[skip:]:
            if self._stopped.is_set():
                break
            self.tally.seen += 1
            self._take(_dated(document, known.get(document.path)), text, known.get(document.path), str(self.tally.seen))
        self._flush()
        self._settle(0)

    def _take_tree(self, root: Path, start: Path, found: Walk, strict: bool) -> None:
        tally = self.tally
        tally.total = (tally.total or 0) + len(found.files)
        tally.skipped.update(found.skipped)
        prefix = "" if start == root else start.relative_to(root).as_posix()
        known = self._store.documents(self._collection, prefix)
        kept = {file.path for file in found.files}
        for failure in found.failed:
            self._fail(failure, strict)
        self._leaving = {path for path in known if path not in kept and not self._unseen(path)}
        for file in found.files:
            if self._stopped.is_set():
                return
            self._take_file(file, known.get(file.path), strict, kept)
        self._remove([path for path in known if path not in kept and not self._unseen(path)])

    def _take_file(self, file: Found, known: Document | None, strict: bool, kept: set[str]) -> None:
        self.tally.seen += 1
        if known is not None and self._same(file, known):
            self.tally.unchanged += 1
            return
        try:
            raw = read(file)
        except OSError as error:
            self._fail(InputFailure(path=file.path, reason=f"{error.strerror or error}."), strict)
            return
        if isinstance(raw, Skipped):
            self.tally.skipped[raw.reason] += 1
            kept.discard(file.path)
            return
        text = extract(file.path, raw)
        document = Document(
            path=file.path,
            location=str(file.absolute),
            digest=digest(raw),
            title=text.title,
            language=text.language,
            size=len(raw),
            modified_ns=file.modified_ns,
        )
        self._take(document, text.text, known, file.path)

    def _same(self, file: Found, known: Document) -> bool:
        return (known.size, known.modified_ns, known.chunker) == (file.size, file.modified_ns, self._cutter.name)

    def _take(self, document: Document, text: str, known: Document | None, cursor: str) -> None:
        verdict = self._duplicates.judge(document, text, self._leaving)
        if verdict.skip:
            self.tally.skipped["near_duplicate"] += 1
            self._replace([document.path] if known is not None else [])
            return
        self._replace(verdict.replaces)
        one = entry(self._collection, document, text, self._cutter, verdict.simhash)
        if known is None:
            self.tally.added += 1
        elif known.digest == document.digest and known.title == document.title:
            self.tally.unchanged += 1  # touched, or cut anew: its row is refreshed, its passages keep their ids
        else:
            self.tally.changed += 1
        self.tally.chunks += len(one.chunks)
        self._entries.append(one)
        self._cursor = cursor
        if documents_size(self._entries) >= BATCH_CHUNKS:
            self._flush()

    def _replace(self, paths: Sequence[str]) -> None:
        """Remove documents together with the entries that are written next."""
        if not {one.document.path for one in self._entries}.isdisjoint(paths):
            self._flush()
        self._replaced += paths
        self.tally.removed += len(paths)

    def _remove(self, paths: list[str]) -> None:
        self._flush()
        if paths:
            self.tally.removed += len(paths)
            self._write(deletes=paths)

    def _flush(self) -> None:
        if self._entries or self._replaced:
            self._write(puts=self._entries, deletes=self._replaced)
            self._entries, self._replaced = [], []

    def _write(self, puts: Sequence[Entry] = (), deletes: Sequence[str] = ()) -> None:
        write = Write(
            collection=self._collection, puts=list(puts), deletes=list(deletes), ack=self._ack, job=self._mark()
        )
        future = self._store.write(write)
        future.add_done_callback(partial(self._done, self._cursor))
        self._in_flight.append(future)
        self._settle(BATCHES_IN_FLIGHT)

    def _mark(self) -> JobMark | None:
        if self._job is None:
            return None
        tally = self.tally
        return JobMark(
            id=self._job,
            stage="read",
            done=tally.seen,
            total=tally.total,
            cursor=self._cursor,
            failed=len(tally.failed),
        )

    def _done(self, cursor: str | None, future: Future[Seq]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.tally.cursor = cursor
        self._committed()

    def _settle(self, allowed: int) -> None:
        """Wait until at most so many batches are not durable yet; raises what went wrong with one."""
        while len(self._in_flight) > allowed:
            self._in_flight.popleft().result()

    def _fail(self, failure: InputFailure, strict: bool) -> None:
        if strict:
            self._flush()
            self._settle(0)
            raise Failed(f"{failure.path}: {failure.reason}", hint="Without --strict the rest is taken in.")
        self.tally.failed.append(failure)

    def _unseen(self, path: str) -> bool:
        """Whether a document was not found only because its file or a folder above it could not be read."""
        return any(path == failure.path or path.startswith(f"{failure.path}/") for failure in self.tally.failed)


def _prepare(given: InputDocument, position: int) -> tuple[Document, str]:
    raw = given.text.encode("utf-8", "surrogatepass")
    content = digest(raw + msgspec.json.encode([given.url, given.metadata]))
    path = given.id or given.path or given.url or digest(raw)
    if "\x00" in path:
        raise InvalidRequest("A document's name holds a NUL.", hint="Leave it out.", param=f"documents[{position}].id")
    text = extract(given.path or "", raw)
    document = Document(
        path=path,
        location=given.url or given.path or path,
        digest=content,
        title=given.title or (text.title if given.path else ""),
        language=text.language,
        size=len(raw),
        modified_ns=0 if given.modified_at is None else int(given.modified_at * 1e9),
        metadata=given.metadata,
    )
    return document, text.text


def _dated(document: Document, known: Document | None) -> Document:
    """With the time of its last change: as it was told, else when this content was first taken in."""
    if document.modified_ns:
        return document
    before = known.modified_ns if known is not None and known.digest == document.digest else 0
    return structs.replace(document, modified_ns=before or time.time_ns())
