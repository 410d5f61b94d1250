"""The lexical arm on rank-bm25: the reference, in memory, for some thousand passages."""

from __future__ import annotations

import math
import threading
from time import monotonic
from typing import TYPE_CHECKING

from rank_bm25 import BM25Okapi

from patina.errors import PluginError
from patina_hybrid.arm import faults, ranked
from patina_hybrid.lexical.analyse import Analyser
from patina_hybrid.lexical.passages import PassageFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from patina.types import Candidate, Change, Fault, Query, Seq, Stamp
    from patina_hybrid.settings import HybridSettings

DEBOUNCE_S = 0.25
"""How old a change must be before a question makes the scores be computed anew."""


class Okapi(BM25Okapi):  # type: ignore[misc]
    """BM25 with the constants of tantivy and Lucene, and their weight of a term, which is never negative.

    In rank-bm25's own Okapi a term of most passages gets a quarter of the mean weight, which is more than many a
    rarer term has, and in a collection of two or three passages the weights turn negative.
    """

    def __init__(self, passages: Sequence[Sequence[str]]) -> None:
        super().__init__(passages, k1=1.2, b=0.75)

    def _calc_idf(self, frequencies: Mapping[str, int]) -> None:
        count = self.corpus_size
        self.idf = {term: math.log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in frequencies.items()}


class Scorer:
    """The scores of the passages as they were at one moment."""

    def __init__(self, passages: Mapping[str, Sequence[str]]) -> None:
        self._ids = [id_ for id_, terms in passages.items() if terms]
        self._row_of = {id_: row for row, id_ in enumerate(self._ids)}
        self._okapi = Okapi([passages[id_] for id_ in self._ids]) if self._ids else None

    def scores(self, terms: Sequence[str], only: Collection[str] | None) -> list[tuple[str, float]]:
        """The passages that have any of `terms`."""
        asked = self._ids if only is None else [id_ for id_ in only if id_ in self._row_of]
        if self._okapi is None or not asked:
            return []
        scores = self._okapi.get_batch_scores(terms, [self._row_of[id_] for id_ in asked])
        return [(id_, score) for id_, score in zip(asked, scores, strict=True) if score > 0]


class RankBm25Arm:
    """Scans every passage for every question, and computes its weights anew when passages have changed."""

    name = "lexical"

    def __init__(self, settings: HybridSettings) -> None:
        self._analyser = Analyser(settings.language)
        self._max_chunks = settings.rank_bm25_max_chunks
        self._changed = threading.Lock()
        self._computing = threading.Lock()
        self._collection = ""
        self._file: PassageFile | None = None
        self._passages: dict[str, tuple[str, ...]] = {}
        """Replaced with every batch, never changed: a scorer may be reading it."""
        self._unsaved = False
        self._scorer = Scorer({})
        self._stale_since: float | None = None
        self._saved: Seq = 0
        self.seq: Seq = 0

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self._collection = stamp.collection
        self._file = PassageFile(folder, stamp, self._analyser.name) if folder else None
        self.seq, passages = self._file.load() if self._file else (0, {})
        self._start(passages)
        self._saved = self.seq
        return self.seq

    def apply(self, changes: Sequence[Change]) -> None:
        """Raises `PluginError` when there would be more passages than the limit; then none of them is taken in."""
        passages = dict(self._passages)
        for change in changes:
            if change.op == "put":
                passages[change.id] = tuple(self._analyser.passage(change))
            elif change.op == "delete":
                passages.pop(change.id, None)
        if len(passages) > max(self._max_chunks, len(self._passages)):
            raise PluginError(
                f"rank-bm25 takes no more than {self._max_chunks} chunks: it scans all of them for every question.",
                hint='Set `lexical = "tantivy"` in [indexes.hybrid], or raise `rank_bm25_max_chunks`.',
                param="indexes.hybrid.lexical",
            )
        with self._changed:
            if any(change.op != "vector" for change in changes):
                self._replace(passages)
            if changes:
                self.seq = changes[-1].seq

    def rank(self, query: Query) -> list[Candidate] | None:
        if not query.text:
            return None
        return ranked(self._current().scores(self._analyser.question(query.text), query.only), query.window)

    def checkpoint(self) -> Seq:
        with self._changed:
            if self._stale_since is not None:
                self._stale_since = -math.inf  # the next question does not wait for more
            if self._file and self._saved != self.seq:
                self._file.save(self.seq, self._passages, self._unsaved)
                self._saved, self._unsaved = self.seq, False
            return self.seq

    def verify(self, full: bool) -> list[Fault]:  # noqa: ARG002 - the file is one, and read whole
        return faults(self.name, self._collection, self._file.faults() if self._file else [])

    def holds(self, ids: Collection[str]) -> frozenset[str]:
        with self._changed:
            return frozenset(id_ for id_ in ids if id_ in self._passages)

    def ids(self) -> frozenset[str]:
        with self._changed:
            return frozenset(self._passages)

    def stats(self) -> dict[str, int]:
        return {"lexical_chunks": len(self._passages), "lexical_bytes": self._file.size() if self._file else 0}

    def drop(self) -> None:
        with self._changed:
            if self._file:
                self._file.clear()
            self._start({})
            self.seq = self._saved = 0

    def close(self) -> None:
        self._start({})

    def _start(self, passages: dict[str, tuple[str, ...]]) -> None:
        self._passages = passages
        self._unsaved = False
        self._scorer = Scorer({})
        self._stale_since = -math.inf if passages else None

    def _replace(self, passages: dict[str, tuple[str, ...]]) -> None:
        self._passages = passages
        self._unsaved = True
        if self._stale_since is None:
            self._stale_since = monotonic()

    def _current(self) -> Scorer:
        """The scorer, made anew when the oldest change that it lacks has waited for `DEBOUNCE_S`."""
        with self._computing:
            with self._changed:
                if self._stale_since is None or monotonic() - self._stale_since < DEBOUNCE_S:
                    return self._scorer
                self._stale_since = None
                passages = self._passages
            self._scorer = Scorer(passages)
            return self._scorer
