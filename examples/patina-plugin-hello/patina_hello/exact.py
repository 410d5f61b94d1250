"""An index that compares a question with every passage: nothing to tune, nothing to be wrong about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from patina.errors import Unsupported
from patina.types import Candidate, Change, Fault, Query, Ranking, Seq, Stamp
from patina_hello.file import Held, Passage, load, save
from patina_hello.settings import IndexSettings

_WORD = re.compile(r"\w+")


class ExactIndex:
    """Two arms: the cosine of two vectors, and the share of the question's words that a passage has.

    What is held is never changed, only replaced: a question keeps to what it began with while changes come in, and
    nobody waits for anybody.
    """

    arms = ("dense", "lexical")

    def __init__(self, settings: IndexSettings) -> None:
        self._max_passages = settings.max_passages
        self._file: Path | None = None
        self._held = Held(stamp=Stamp(collection=""))

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self._file = None if folder is None else folder / "exact.index"
        saved = None if self._file is None else load(self._file)
        self._held = saved if saved is not None and saved.stamp == stamp else Held(stamp=stamp)
        return self._held.seq

    def apply(self, changes: Sequence[Change]) -> None:
        passages = dict(self._held.passages)
        for change in changes:
            _take(passages, change)
        if len(passages) > self._max_passages:
            raise Unsupported(
                f'The index "exact" holds {self._max_passages} passages at most.',
                hint='Set `index = "hybrid"` for this collection, or raise [indexes.exact] max_passages.',
            )
        seq = max([self._held.seq, *(change.seq for change in changes)])
        self._held = Held(stamp=self._held.stamp, seq=seq, passages=passages)

    def rank(self, query: Query) -> list[Ranking]:
        passages = self._held.passages
        if query.only is not None:
            passages = {key: passages[key] for key in query.only & passages.keys()}
        scores = {"dense": _cosines(passages, query), "lexical": _shares(passages, query)}
        return [
            Ranking(arm, _best(found, query.window))
            for arm, found in scores.items()
            if found is not None and (query.arms is None or arm in query.arms)
        ]

    def checkpoint(self) -> Seq:
        if self._file is not None:
            save(self._file, self._held)
        return self._held.seq

    def verify(self, full: bool = False) -> list[Fault]:
        """The file has one checksum over all of it, so there is no more to read when `full`."""
        if self._file is None or not self._file.exists() or load(self._file) is not None:
            return []
        return [Fault(where=str(self._file), what="it is not what was written", repair="It is made again when opened.")]

    def stats(self) -> dict[str, int]:
        return {"lexical_chunks": len(self.ids("lexical")), "dense_vectors": len(self.ids("dense"))}

    def ids(self, arm: str) -> frozenset[str]:
        passages = self._held.passages
        return frozenset(key for key, passage in passages.items() if arm == "lexical" or passage.vector)

    def drop(self) -> None:
        self._held = Held(stamp=self._held.stamp)
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def close(self) -> None:
        self._held = Held(stamp=self._held.stamp)


def _take(passages: dict[str, Passage], change: Change) -> None:
    vector = b"" if change.vector is None else change.vector.astype("<f4").tobytes()
    known = passages.get(change.id)
    if change.op == "delete":
        passages.pop(change.id, None)
    elif change.op == "put":
        words = frozenset(_WORD.findall(change.text.casefold()))
        passages[change.id] = Passage(words=words, vector=vector or (known.vector if known else b""))
    elif known is not None:  # a vector of a passage that has gone meanwhile is of no use
        passages[change.id] = msgspec.structs.replace(known, vector=vector)


def _cosines(passages: Mapping[str, Passage], query: Query) -> dict[str, float] | None:
    """None when the arm has nothing to compare: no vector in the question, or none in the passages."""
    keys = [key for key, passage in passages.items() if passage.vector]
    if query.vector is None or not keys:
        return None
    vectors = np.frombuffer(b"".join(passages[key].vector for key in keys), dtype="<f4").reshape(len(keys), -1)
    return dict(zip(keys, (vectors @ query.vector).tolist(), strict=True))


def _shares(passages: Mapping[str, Passage], query: Query) -> dict[str, float] | None:
    if not query.text:
        return None
    words = set(_WORD.findall(query.text.casefold()))
    found = {key: len(words & passage.words) for key, passage in passages.items()}
    return {key: count / len(words) for key, count in found.items() if count}


def _best(scores: Mapping[str, float], window: int) -> list[Candidate]:
    """The best first, equals in the order of their ids."""
    ranked = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
    return [Candidate(key, score) for key, score in ranked[:window]]
