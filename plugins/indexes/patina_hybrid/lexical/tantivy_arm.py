"""The lexical arm on tantivy: follows the log a moment behind, and holds any number of passages."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from patina.errors import Failed
from patina_hybrid.arm import faults, ranked
from patina_hybrid.lexical.analyse import Analyser
from patina_hybrid.lexical.pace import Pace
from patina_hybrid.lexical.postings import WRITE_ERRORS, Postings
from patina_hybrid.lexical.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from patina.types import Candidate, Change, Fault, Query, Seq, Stamp
    from patina_hybrid.settings import HybridSettings

logger = logging.getLogger(__name__)

MAX_PENDING = 2_048
"""Changes not yet published; before a batch that would make them more is taken in, they are published."""


class TantivyArm:
    """Changes stay in `_pending` until they are published, so that a writer that dies loses nothing."""

    name = "lexical"

    def __init__(self, settings: HybridSettings) -> None:
        self._analyser = Analyser(settings.language)
        self._changed = threading.Condition()
        self._collection = ""
        self._snapshot: Snapshot | None = None
        self._postings = Postings(None)
        self._pending: list[Change] = []
        self._whole = True
        """Whether the writer holds all of `_pending`."""
        self._latest: dict[str, str] = {}
        """What the newest of `_pending` says of an id: "put" or "delete"."""
        self._pace = self._new_pace()
        self._saved: Seq = 0
        self.seq: Seq = 0

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self.close()
        self._collection = stamp.collection
        self._snapshot = Snapshot(folder, stamp, self._analyser.name) if folder else None
        self._restore()
        self._pace = self._new_pace()
        return self.seq

    def apply(self, changes: Sequence[Change]) -> None:
        """Raises `Failed` when so much waits that it must be published first, and the disk does not take it."""
        with self._changed:  # so that nothing is published in the middle of a batch
            if len(self._pending) + len(changes) > MAX_PENDING:
                self._publish()
            self._take(changes)

    def rank(self, query: Query) -> list[Candidate] | None:
        if not query.text:
            return None
        terms = self._analyser.question(query.text)
        if not terms:
            return []
        return ranked(self._postings.search(terms, query.window, query.only), query.window)

    def checkpoint(self) -> Seq:
        with self._changed:
            self._publish()
            if self._snapshot and self._saved != self.seq:
                self._snapshot.take(self.seq, self._postings.count)
                self._saved = self.seq
            return self.seq

    def verify(self, full: bool) -> list[Fault]:
        sentences = self._snapshot.faults() if self._snapshot else []
        if full and len(self._postings.ids()) != self._postings.count:
            sentences.append("a passage is held twice")
        return faults(self.name, self._collection, sentences)

    def holds(self, ids: Collection[str]) -> frozenset[str]:
        with self._changed:
            waiting = frozenset(id_ for id_ in ids if self._latest.get(id_) == "put")
            published = self._postings.holds([id_ for id_ in ids if id_ not in self._latest])
        return waiting | published

    def ids(self) -> frozenset[str]:
        with self._changed:
            self._publish()
        return self._postings.ids()

    def stats(self) -> dict[str, int]:
        return {
            "lexical_chunks": self._postings.count,
            "lexical_dead": self._snapshot.dead() if self._snapshot else 0,
            "lexical_waiting": len(self._pending),
            "lexical_bytes": self._snapshot.size() if self._snapshot else 0,
        }

    def drop(self) -> None:
        with self._changed:
            self._forget()
            if self._snapshot:
                self._snapshot.clear()
            self._restore()

    def close(self) -> None:
        self._pace.close()
        with self._changed:
            self._forget()

    def _new_pace(self) -> Pace:
        return Pace(f"patina-lexical-{self._collection}", self._changed, self._publish_quietly, self._rest)

    def _rest(self) -> None:
        try:
            self._postings.rest()
        except WRITE_ERRORS as error:
            logger.warning("%s: the lexical index could not be merged: %s", self._collection, error)
        self._whole = not self._pending

    def _restore(self) -> None:
        found = self._snapshot.restore() if self._snapshot else None
        live = self._snapshot.live if self._snapshot else None
        try:
            self._postings = Postings(live)
        except WRITE_ERRORS as error:
            if self._snapshot is None:
                raise
            logger.warning("%s cannot be opened, words are taken from the store: %s", live, error)
            found = None
            self._snapshot.clear()
            self._postings = Postings(live)
        self.seq = self._saved = found.seq if found else 0

    def _forget(self) -> None:
        self._clear_pending()
        self._rest()

    def _take(self, changes: Sequence[Change]) -> None:
        worded = [change for change in changes if change.op != "vector"]
        self._pending += worded
        self._latest.update((change.id, change.op) for change in worded)
        if changes:
            self.seq = changes[-1].seq
        try:
            self._write(worded)
        except WRITE_ERRORS as error:
            self._lose_writer(error)
        if worded:
            self._pace.touch()

    def _publish(self) -> None:
        """Make `_pending` visible. Raises `Failed` when tantivy cannot write, not even with a new writer."""
        if not self._pending:
            return
        try:
            self._commit()
        except WRITE_ERRORS as error:
            self._lose_writer(error)
            try:
                self._commit()
            except WRITE_ERRORS as again:
                self._lose_writer(again)
                raise Failed(f"The words of {self._collection} cannot be indexed: {again}.") from again

    def _commit(self) -> None:
        if not self._whole:
            self._whole = True
            self._write(self._pending)
        self._postings.publish()
        self._clear_pending()
        self._pace.done()

    def _clear_pending(self) -> None:
        self._pending.clear()
        self._latest.clear()

    def _write(self, changes: Sequence[Change]) -> None:
        for change in changes if self._whole else ():
            if change.op == "put":
                self._postings.put(change.id, self._analyser.passage(change))
            else:
                self._postings.delete(change.id)

    def _lose_writer(self, error: Exception) -> None:
        logger.warning("%s: the writer of the lexical index failed and is replaced: %s", self._collection, error)
        self._postings.abandon()
        self._whole = False
        if self._snapshot:
            with suppress(OSError):
                self._snapshot.sweep()

    def _publish_quietly(self) -> bool:
        try:
            self._publish()
        except Failed as error:
            logger.warning("%s", error)
            return False
        return True
