"""An index is a function of the log: however it is cut, repeated and interrupted, the answers are the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from patina.types import Change, Query, Stamp
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from .conftest import Passages

TINY = HybridSettings(segment_size=8, tail_max=16)
DIMENSION = 8
STAMP = Stamp(collection="notes", identity="a" * 64, dimension=DIMENSION)
NUMBERS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NUMBERS),
        st.tuples(st.just("put-embedded"), NUMBERS),
        st.tuples(st.just("vector"), NUMBERS),
        st.tuples(st.just("delete"), NUMBERS),
        st.tuples(st.sampled_from(["checkpoint", "reopen", "repeat"]), NUMBERS),
    ),
    max_size=120,
)


class Model:
    """What must be found, the simple way."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.vectors: dict[str, np.ndarray] = {}

    def take(self, change: Change) -> None:
        if change.op == "put":
            self.texts[change.id] = change.text
        if change.op == "delete":
            self.texts.pop(change.id, None)
        if change.op != "vector" or change.id in self.texts:
            self.vectors.pop(change.id, None)
            if change.vector is not None:
                self.vectors[change.id] = change.vector

    def check(self, index: HybridIndex) -> None:
        index.checkpoint()
        assert index.ids("lexical") == self.texts.keys()
        assert index.ids("dense") == self.vectors.keys()
        question = np.ones(DIMENSION, np.float32) / np.sqrt(np.float32(DIMENSION))
        found = {ranking.arm: ranking.candidates for ranking in index.rank(Query(text="common", vector=question))}
        assert {candidate.id for candidate in found["lexical"]} == self.texts.keys()
        scores = {id_: float(vector @ question) for id_, vector in self.vectors.items()}
        assert {c.id: c.score for c in found.get("dense", [])} == pytest.approx(scores, abs=1e-5)


def a_change(kind: str, number: int, seq: int) -> Change:
    row = np.random.default_rng(seq).standard_normal(DIMENSION).astype(np.float32)
    vector = row / np.linalg.norm(row) if kind in {"put-embedded", "vector"} else None
    op: Literal["put", "vector", "delete"]
    op = "put" if kind.startswith("put") else "vector" if kind == "vector" else "delete"
    return Change(seq=seq, op=op, id=f"id{number:02}", text=f"common own{number}", path=f"{number}.md", vector=vector)


@pytest.mark.parametrize("engine", ["tantivy", "rank-bm25"])
@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_it_agrees_with_a_dictionary(engine: str, steps: list[tuple[str, int]]) -> None:
    model = Model()
    log: list[Change] = []
    with tempfile.TemporaryDirectory() as folder:
        index = HybridIndex(replace(TINY, lexical=engine))
        index.open(Path(folder), STAMP)
        for kind, number in steps:
            if kind == "checkpoint":
                assert index.checkpoint() == len(log)
            elif kind == "reopen":
                index.close()
                index = HybridIndex(replace(TINY, lexical=engine))
                index.apply(log[index.open(Path(folder), STAMP) :])
            elif kind == "repeat":
                index.apply(log[number:])
            else:
                log.append(a_change(kind, number, len(log) + 1))
                model.take(log[-1])
                index.apply(log[-1:])
        model.check(index)
        index.close()


def test_replayed_from_any_point_it_is_the_same(passages: Passages) -> None:
    log = passages.puts(range(60))
    log += [passages.delete(number, 61 + at) for at, number in enumerate(range(0, 60, 4))]
    index = HybridIndex(TINY)
    index.open(None, passages.stamp)
    index.apply(log)
    live = passages.ids(set(range(60)) - set(range(0, 60, 4)))
    for start in range(0, len(log), 5):
        index.apply(log[start:])
        index.apply(log[:start])  # puts of what was deleted since
        assert index.checkpoint() == 75
        assert index.ids("dense") == index.ids("lexical") == live
    index.close()


def test_a_model_that_comes_later_gets_the_whole_log(passages: Passages, tmp_path: Path) -> None:
    index = HybridIndex(TINY)
    assert index.open(tmp_path, Stamp(collection="notes")) == 0
    index.apply([passages.put(number, number + 1, embedded=False) for number in range(20)])
    assert index.checkpoint() == 20
    index.close()
    assert index.open(tmp_path, Stamp(collection="notes")) == 20
    assert index.open(tmp_path, passages.stamp) == 0
    assert index.ids("lexical") == passages.ids(range(20)), "words answer while vectors are being made"
    index.apply(passages.puts(range(20)))
    assert index.ids("dense") == passages.ids(range(20))
    index.close()


def test_vectors_of_passages_that_are_gone_are_not_kept(passages: Passages) -> None:
    index = HybridIndex(TINY)
    index.open(None, passages.stamp)
    index.apply([passages.put(1, 1, embedded=False), passages.put(2, 2, embedded=False), passages.delete(1, 3)])
    index.apply([passages.vector(1, 4), passages.vector(2, 5)])
    assert index.ids("dense") == {passages.id(2)}
    index.close()
