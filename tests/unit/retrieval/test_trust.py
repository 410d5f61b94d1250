"""How much the words' vote counts."""

from __future__ import annotations

import pytest

from patina.retrieval.trust import LEAST, trust
from patina.retrieval.words import Words


def test_words_that_a_passage_holds_are_trusted() -> None:
    assert trust(Words("rotate the log file"), ["a handler that rotates log files"]) == 1.0


def test_words_that_no_passage_holds_are_not() -> None:
    assert trust(Words("neutralise pointy brackets typed by visitors"), ["the visitor pattern", "a page"]) == LEAST


def test_in_between_the_trust_grows_with_the_share() -> None:
    assert trust(Words("red green blue yellow"), ["red green"]) == pytest.approx(0.5)


def test_no_candidates_are_no_reason_for_trust() -> None:
    assert trust(Words("anything"), []) == LEAST
