"""An index that compares a question with everything it holds: slow, exact, and easy to believe."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from patina.testing._words import Words
from patina.types import Candidate, Change, Fault, Query, Ranking, Seq, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from patina.types import Vector

K1, B = 1.2, 0.75  # BM25's usual saturation and length normalisation
CHECKSUM_BYTES = 32


class Passage(msgspec.Struct, frozen=True):
    """What the index keeps of a chunk; `vector` is little-endian float32."""

    text: str
    vector: bytes | None = None


class Saved(msgspec.Struct, frozen=True):
    """The whole index, as one file holds it."""

    stamp: Stamp
    seq: Seq
    passages: dict[str, Passage]


class FakeIndex:
    """The dense and the lexical arm, exact, in memory; one checksummed file when it has a folder."""

    arms = ("dense", "lexical")

    def __init__(self) -> None:
        self._words = Words()
        self._lock = threading.RLock()
        self._folder: Path | None = None
        self._stamp = Stamp(collection="")
        self._seq = 0
        self._passages: dict[str, Passage] = {}

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        self._folder, self._stamp = folder, stamp
        saved = None if folder is None else _read(folder / "fake.index")
        if saved is not None and saved.stamp == stamp:
            self._seq, self._passages = saved.seq, saved.passages
        else:
            self._seq, self._passages = 0, {}
        return self._seq

    def apply(self, changes: Sequence[Change]) -> None:
        with self._lock:
            for change in changes:
                self._take(change)

    def rank(self, query: Query) -> list[Ranking]:
        with self._lock:
            admitted = _admitted(self._passages, query.only)
            scorers: dict[str, Callable[[], dict[str, float]]] = {
                "dense": lambda: self._dense(query.vector, admitted),
                "lexical": lambda: self._lexical(query.text, admitted),
            }
            asked = {"dense": query.vector is not None and bool(self.ids("dense")), "lexical": bool(query.text)}
            return [
                Ranking(arm, _best(scorers[arm](), query.window))
                for arm in self.arms
                if asked[arm] and (query.arms is None or arm in query.arms)
            ]

    def checkpoint(self) -> Seq:
        with self._lock:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                _write(self._folder / "fake.index", Saved(self._stamp, self._seq, self._passages))
            return self._seq

    def verify(self, full: bool = False) -> list[Fault]:  # noqa: ARG002 (one file: reading it is reading every byte)
        if self._folder is None or not (self._folder / "fake.index").exists():
            return []
        if _read(self._folder / "fake.index") is None:
            return [Fault(where="fake.index", what="its checksum does not match", repair="it is rebuilt when opened")]
        return []

    def stats(self) -> dict[str, int]:
        return {"lexical_chunks": len(self.ids("lexical")), "dense_vectors": len(self.ids("dense"))}

    def ids(self, arm: str) -> frozenset[str]:
        with self._lock:
            return frozenset(key for key, passage in self._passages.items() if arm == "lexical" or passage.vector)

    def drop(self) -> None:
        with self._lock:
            self._seq, self._passages = 0, {}
            if self._folder is not None:
                (self._folder / "fake.index").unlink(missing_ok=True)

    def close(self) -> None:
        self._passages = {}

    def _take(self, change: Change) -> None:
        known = self._passages.get(change.id)
        vector = None if change.vector is None else change.vector.astype("<f4").tobytes()
        if change.op == "delete":
            self._passages.pop(change.id, None)
        elif change.op == "put":
            self._passages[change.id] = Passage(change.text, vector or (known.vector if known else None))
        elif known is not None:
            self._passages[change.id] = Passage(known.text, vector)
        self._seq = max(self._seq, change.seq)

    def _dense(self, vector: Vector | None, admitted: Mapping[str, Passage]) -> dict[str, float]:
        vectors = {key: np.frombuffer(p.vector, dtype="<f4") for key, p in admitted.items() if p.vector}
        if vector is None or not vectors:
            return {}
        scores = np.stack(list(vectors.values())) @ vector
        return dict(zip(vectors, scores.tolist(), strict=True))

    def _lexical(self, text: str, admitted: Mapping[str, Passage]) -> dict[str, float]:
        """BM25 with the frequencies of the whole collection, so that a filter does not change a score."""
        bags = {key: Counter(self._words(passage.text)) for key, passage in self._passages.items()}
        mean = sum(bag.total() for bag in bags.values()) / max(1, len(bags))
        scores: dict[str, float] = {}
        for word in sorted(set(self._words(text))):
            found = {key: bag for key, bag in bags.items() if word in bag}
            rarity = math.log(1 + (len(bags) - len(found) + 0.5) / (len(found) + 0.5))
            for key in found.keys() & admitted.keys():
                times = found[key][word]
                length = found[key].total() / mean
                scores[key] = scores.get(key, 0.0) + rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * length))
        return scores


def _admitted(passages: Mapping[str, Passage], only: Collection[str] | None) -> Mapping[str, Passage]:
    return passages if only is None else {key: passages[key] for key in only if key in passages}


def _best(scores: Mapping[str, float], window: int) -> list[Candidate]:
    """The best `window`, equals in the order of their ids."""
    ranked = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
    return [Candidate(key, score) for key, score in ranked[:window]]


def _read(file: Path) -> Saved | None:
    """The file's content; None when it is missing or not what was written."""
    if not file.exists():
        return None
    raw = file.read_bytes()
    checksum, body = raw[:CHECKSUM_BYTES], raw[CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    return msgspec.msgpack.decode(body, type=Saved)


def _write(file: Path, saved: Saved) -> None:
    body = msgspec.msgpack.encode(saved)
    draft = file.with_suffix(".new")
    draft.write_bytes(hashlib.sha256(body).digest() + body)
    draft.replace(file)
