"""The longest beginning of a text that has so many tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.models.shortening import shortened


def words(text: str) -> int:
    return len(text.split()) + 2


@given(st.text(alphabet="ab  ", max_size=300), st.integers(1, 80))
def test_one_character_more_would_be_too_long(text: str, limit: int) -> None:
    short = shortened(text, limit, words)
    assert text.startswith(short)
    if short:
        assert words(short) <= limit
    if short != text:
        assert words(text[: len(short) + 1]) > limit


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_a_long_text_is_not_read_to_its_end(limit: int) -> None:
    seen = []

    def count(text: str) -> int:
        seen.append(len(text))
        return words(text)

    assert len(shortened("word " * 1_000_000, limit, count).split()) == max(0, limit - 2)
    assert max(seen) < 1000
