"""Reciprocal rank fusion, against the formula written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.retrieval.fusion import fuse, merge
from patina.types import Candidate, Ranking


def ranking(arm: str, *ids: str) -> Ranking:
    return Ranking(arm, [Candidate(id, 100.0 - n) for n, id in enumerate(ids)])


def test_the_formula() -> None:
    [a, b, c] = fuse([ranking("dense", "a", "b"), ranking("lexical", "a", "c")], {"dense", "lexical"})
    assert a.id == "a"
    assert a.rrf == pytest.approx(2 / 61)
    assert a.score == pytest.approx(1.0)
    assert [b.rrf, c.rrf] == pytest.approx([1 / 62, 1 / 62])
    assert [b.id, c.id] == ["b", "c"]  # a tie goes by id
    assert a.arms["dense"].rank == 1
    assert a.arms["dense"].score == 100.0
    assert "lexical" not in b.arms


def test_an_empty_list_leaves_scores_between_zero_and_one() -> None:
    [only] = fuse([ranking("dense"), ranking("lexical", "x")], {"dense", "lexical"})
    assert only.score == pytest.approx(0.5)


def test_an_arm_that_was_not_asked_does_not_count() -> None:
    [only] = fuse([ranking("lexical", "x")], {"lexical"})
    assert only.score == pytest.approx(1.0)


def test_weights_move_the_order() -> None:
    lists = [ranking("dense", "a", "b"), ranking("lexical", "b", "a")]
    assert [f.id for f in fuse(lists, {"dense", "lexical"}, weights={"lexical": 2.0})] == ["b", "a"]
    assert [f.id for f in fuse(lists, {"dense", "lexical"}, weights={"dense": 2.0})] == ["a", "b"]


def test_no_candidates() -> None:
    assert fuse([], set()) == []


def test_merging_goes_by_score_and_keeps_the_window() -> None:
    merged = merge([ranking("dense", "a", "b"), Ranking("dense", [Candidate("c", 99.5)])], "dense", 2)
    assert [c.id for c in merged.candidates] == ["a", "c"]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=4))
def test_scores_are_shares_and_order_is_deterministic(lists: list[list[str]]) -> None:
    rankings = [ranking(f"arm{n}", *ids) for n, ids in enumerate(lists)]
    asked = {r.arm for r in rankings}
    fused = fuse(rankings, asked)
    assert fused == fuse(list(reversed(rankings)), asked)
    assert all(0 < f.score <= 1 for f in fused)
    assert [f.rrf for f in fused] == sorted((f.rrf for f in fused), reverse=True)
