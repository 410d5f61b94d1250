"""Which documents say nearly the same as one that a run is about to take in, and what becomes of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from patina.config import IngestSettings
from patina.ingest.simhash import distance, simhash
from patina.store import Store
from patina.store.similar import bands
from patina.types import Document


class Verdict(NamedTuple):
    """What is to be done with a document."""

    simhash: int | None = None
    """To be kept with it; None keeps none."""
    skip: bool = False
    replaces: tuple[str, ...] = ()
    """Paths of the documents that it takes the place of."""


class _Taken(NamedTuple):
    simhash: int
    modified_ns: int


class Duplicates:
    """The near-duplicates within one collection, during one run, as `[ingest] near_duplicates` would have them.

    "keep": all are taken in. "skip": what is near to a document that is there is not. "replace": of near ones the last
    modified stays, and of equally old ones the last by path, so that a run over the same files ends as the one before.
    """

    def __init__(self, store: Store, collection: str, settings: IngestSettings) -> None:
        self._store = store
        self._collection = collection
        self._policy = settings.near_duplicates
        self._bits = settings.near_duplicate_bits
        self._taken: dict[str, _Taken] = {}
        """What this run took in: the store may not have it yet…"""
        self._gone: set[str] = set()
        """…nor may it know of what goes because of that."""
        self._by_band: defaultdict[tuple[int, int], set[str]] = defaultdict(set)

    def judge(self, document: Document, text: str, leaving: Collection[str]) -> Verdict:
        """About a document that is new or changed. `leaving`: paths of those that the run is going to remove."""
        value = None if self._policy == "keep" else simhash(text)
        if value is None:
            return Verdict()
        near = self._near(value, {document.path, *leaving})
        newest = max(((when, path) for path, when in near.items()), default=None)
        if newest and (self._policy == "skip" or (document.modified_ns, document.path) < newest):
            self._forget([document.path])
            return Verdict(skip=True)
        self._forget(near)
        self._remember(document, value)
        return Verdict(value, replaces=tuple(near))

    def _remember(self, document: Document, value: int) -> None:
        self._taken[document.path] = _Taken(value, document.modified_ns)
        self._gone.discard(document.path)
        for band in enumerate(bands(value)):
            self._by_band[band].add(document.path)

    def _forget(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._gone.add(path)
            self._taken.pop(path, None)

    def _near(self, value: int, without: set[str]) -> dict[str, int]:
        """When each was modified, by path."""
        stored = self._store.similar(self._collection, value, self._bits)
        found = {path: when for path, when in stored.items() if path not in self._taken and path not in self._gone}
        for path in {path for band in enumerate(bands(value)) for path in self._by_band[band]} & self._taken.keys():
            if distance(value, self._taken[path].simhash) <= self._bits:
                found[path] = self._taken[path].modified_ns
        return {path: when for path, when in found.items() if path not in without}
