"""Does an index answer as it should? It is asked for passages that the store has.

By words it must agree with a twin: a second index of the same kind, made from the log just now. Their scores are the
same, unless the one in use counts passages that were deleted and not reclaimed yet, as tantivy does in how rare a word
is; therefore it is a fault only when either lacks the other's best, or less than half is in common. By meaning the
judge is an exact scan of the store's vectors, which no graph can argue with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from patina.protocols import Index
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Change, Fault, Query, Seq
from patina.verify.arms import CHANGES_AT_ONCE, DENSE, SHOWN, untold
from patina.wire import Filter

if TYPE_CHECKING:
    from patina.types import Vectors

PROBES = 64
"""Passages that a collection is asked for."""
PROBE_CHARACTERS = 1_000
BEST = 10
WINDOW = 50
"""Candidates that an arm is asked for, as by a question."""
MIN_COMMON = 0.5
"""What of the twin's best an answer by words must have in its window."""
MIN_RECALL = 0.95
"""What an arm of vectors must find of the truly nearest, over all probes."""
TIE = 1e-5
"""Cosines this close are equally near."""
VECTORS_AT_ONCE = 4_096


class Twin:
    """An index made again from the log, in memory. An arm of vectors stays empty in it: that one has another judge."""

    def __init__(self, one: Shelved, index: Index, store: Store) -> None:
        """index: of the same kind as the collection's own, open and empty."""
        self.index = index
        self._name = one.name
        self._store = store
        self._seq: Seq = 0

    def follow(self, upto: Seq) -> None:
        """Take in the log up to a position. Blocks; most of it may be done before anybody has to hold still."""
        while changes := self._store.changes(self._name, self._seq, CHANGES_AT_ONCE):
            page = [change for change in changes if change.seq <= upto]
            if not page:
                return
            self.index.apply(self._worded(page))
            self._seq = page[-1].seq

    def close(self) -> None:
        self.index.close()

    def _worded(self, changes: Sequence[Change]) -> list[Change]:
        if DENSE not in self.index.arms:
            return list(changes)
        return [msgspec.structs.replace(change, vector=None) for change in changes if change.op != "vector"]


class Probe(NamedTuple):
    """A passage to ask for; `vector` is raw float32, if it is known."""

    id: str
    text: str
    vector: bytes | None


def answer_faults(one: Shelved, store: Store, twin: Twin) -> list[Fault]:
    """Questions that the collection's index answers otherwise than it should.

    Blocks. The index must have caught up with the log, and nobody may change it meanwhile.
    """
    twin.follow(one.applied)
    twin.index.checkpoint()
    alive, behind = store.select(one.name, Filter()), untold(one, store)
    settled = frozenset(alive - behind)
    only = settled if behind else None  # what was committed during the check is in one of the two, or in both
    probes = _probes(sorted(settled), store)
    found = []
    for arm in one.index.arms:
        if arm == DENSE:
            found += _dense_faults(one, store, [probe for probe in probes if probe.vector], only)
        else:
            found += _worded_faults(one, twin, arm, probes, only)
    return found


def _probes(ids: Sequence[str], store: Store) -> list[Probe]:
    """Spread evenly over the ids, which are digests: so as good as drawn by chance, and the same every time."""
    chosen = [ids[place] for place in sorted({len(ids) * number // PROBES for number in range(PROBES)})] if ids else []
    vectors = store.vectors(chosen)
    chunks = store.chunks(chosen).values()
    return [Probe(chunk.id, chunk.text[:PROBE_CHARACTERS], vectors.get(chunk.id)) for chunk in chunks]


# -- by words ---------------------------------------------------------------------------------------------------------


def _worded_faults(one: Shelved, twin: Twin, arm: str, probes: list[Probe], only: frozenset[str] | None) -> list[Fault]:
    strange = [
        probe.id
        for probe in probes
        if not _alike(_ranked(one.index, arm, probe, only), _ranked(twin.index, arm, probe, only))
    ]
    if not strange:
        return []
    examples = ", ".join(strange[:SHOWN])
    what = f"The {arm} arm answers {len(strange)} of {len(probes)} questions unlike an index made anew ({examples})."
    return [_fault(one.name, arm, what)]


def _alike(found: list[str], expected: list[str]) -> bool:
    """Whether each has the other's best, and most of the expected ones were found somewhere in the window."""
    if not found or not expected:
        return found == expected
    common = len({*expected[:BEST]} & {*found}) / len(expected[:BEST])
    return expected[0] in found and found[0] in expected and common >= MIN_COMMON


# -- by meaning -------------------------------------------------------------------------------------------------------


def _dense_faults(one: Shelved, store: Store, probes: list[Probe], only: frozenset[str] | None) -> list[Fault]:
    if not probes:
        return []
    questions = _matrix([probe.vector or b"" for probe in probes])
    embedded = store.embedded(one.name)
    nearest = _nearest(questions, sorted(embedded if only is None else embedded & only), store)
    recalls = [
        _recall(question, _ranked(one.index, DENSE, probe, only)[:BEST], cosines, store)
        for question, probe, cosines in zip(questions, probes, nearest, strict=True)
    ]
    recall = float(np.mean(recalls))
    if recall >= MIN_RECALL:
        return []
    what = f"The {DENSE} arm finds {recall:.0%} of the nearest passages, of which it should find {MIN_RECALL:.0%}."
    return [_fault(one.name, DENSE, what)]


def _nearest(questions: Vectors, ids: Sequence[str], store: Store) -> Vectors:
    """The cosines of the nearest passages to each question, [questions, at most BEST], the nearest last."""
    best = np.empty((len(questions), 0), np.float32)
    for start in range(0, len(ids), VECTORS_AT_ONCE):
        vectors = list(store.vectors(ids[start : start + VECTORS_AT_ONCE]).values())
        if vectors:
            together = np.concatenate([best, questions @ _matrix(vectors).T], axis=1)
            best = np.sort(together, axis=1)[:, -BEST:]
    return best


def _recall(question: Vectors, found: list[str], cosines: Vectors, store: Store) -> float:
    """The share of the nearest that were found; one that is as near as the last of them is as good."""
    if not len(cosines):
        return 1.0
    vectors = list(store.vectors(found).values())
    near = int(np.count_nonzero(_matrix(vectors) @ question >= cosines[0] - TIE)) if vectors else 0
    return min(near, len(cosines)) / len(cosines)


def _matrix(vectors: Sequence[bytes]) -> Vectors:
    """float32 [n, dimension], each row of length one."""
    rows = np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1)
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit


# -- both -------------------------------------------------------------------------------------------------------------


def _ranked(index: Index, arm: str, probe: Probe, only: frozenset[str] | None) -> list[str]:
    vector = None if probe.vector is None else np.frombuffer(probe.vector, "<f4")
    query = Query(text=probe.text, vector=vector, window=WINDOW, only=only, arms=(arm,))
    rankings = [ranking for ranking in index.rank(query) if ranking.arm == arm]
    return [candidate.id for ranking in rankings for candidate in ranking.candidates]


def _fault(name: str, arm: str, what: str) -> Fault:
    return Fault(where=f"{name}/{arm}", what=what, repair=f"Run `patina rebuild --repo {name}`.")
