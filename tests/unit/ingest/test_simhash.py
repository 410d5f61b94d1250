"""Texts that are nearly the same have nearly the same number, and others do not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.ingest.simhash import BITS, distance, simhash

WORDS = [f"{first}{last}" for first in "bcdfglmnprst" for last in ("an", "er", "ill", "ow", "ust", "ing")]


def text(words: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return [chance.choice(WORDS) for _ in range(words)]


def between(one: str, other: str) -> int:
    first, second = simhash(one), simhash(other)
    assert first is not None
    assert second is not None
    return distance(first, second)


def test_case_and_layout_do_not_matter() -> None:
    words = text(100)
    assert between(" ".join(words), "\n\n".join(words).upper() + "!") == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_word_in_a_long_text_changes_few_bits(seed: int) -> None:
    words = text(4000, seed)
    changed = [*words[:500], "harbour", *words[501:]]
    assert between(" ".join(words), " ".join(changed)) <= 3


@pytest.mark.parametrize("seed", range(20))
def test_other_texts_are_far_apart(seed: int) -> None:
    assert between(" ".join(text(300, seed)), " ".join(text(300, seed + 100))) > 10


@pytest.mark.parametrize("blank", ["", " \n", "…!"])
def test_a_text_without_words_has_none(blank: str) -> None:
    assert simhash(blank) is None


@given(st.text(min_size=1))
def test_it_has_64_bits_and_is_always_the_same(text: str) -> None:
    found = simhash(text)
    assert found == simhash(text)
    assert found is None or 0 <= found < 2**BITS
