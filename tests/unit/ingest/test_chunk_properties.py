"""What holds for every text: pieces are exact, in order, complete, and never over the maximum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patina.ingest.chunk import Chunker, Measure, Piece
from patina.ingest.spans import BYTE_ORDER_MARK, line_starts

WORD = re.compile(r"\w{1,6}|[^\w\s]")


def by_words(texts: Sequence[str]) -> list[int]:
    """Like a subword tokenizer: spaces are free, long words are not."""
    return [5 + len(WORD.findall(text)) for text in texts]


def by_bytes(texts: Sequence[str]) -> list[int]:
    """Like a byte-level tokenizer: everything counts, an emoji four times."""
    return [2 + len(text.encode()) for text in texts]


def by_letters_and_more_together(texts: Sequence[str]) -> list[int]:
    """Not additive: joined texts count more than their parts, as they do where a tokenizer merges differently."""
    return [3 + len(text) + len(text) // 10 for text in texts]


LANGUAGES = ["", "markdown", "python", "rst", "json"]
MEASURES = [by_words, by_bytes, by_letters_and_more_together]

letters = st.characters(exclude_categories=["Cs"])
scraps = st.one_of(
    st.text(letters, max_size=30),
    st.sampled_from(
        ["\n", "\r\n", "\r", "\n\n", "# ", "## x\n", "```\n", "    ", "\t", "def f():\n", "}\n", ". A", "。"]
    ),
    st.sampled_from(
        ["- item\n", "| cell |\n", "===\n", "---\n", "\u0301" * 20, "👩‍👩‍👧", "🇩🇪🇫🇷", "日本語", "\0\x1f\x7f"]
    ),
    st.sampled_from(
        ["word " * 40, "x" * 100, "漢" * 80, "\ufeff", "Dr. No said so. It was.\n", "@a\n# b\n", " \x0b\x0c "]
    ),
)
texts = st.lists(scraps, max_size=25).map("".join)
chunkers = st.builds(
    lambda measure, target, spare, overlap: Chunker(measure, target, target + spare, overlap, "test"),
    st.sampled_from(MEASURES),
    st.integers(25, 80),
    st.integers(0, 60),
    st.sampled_from([0, 0, 5, 9]),
)


def uncovered(text: str, pieces: list[Piece]) -> str:
    """The characters in no piece."""
    raw = bytearray(text.encode())
    for piece in pieces:
        raw[piece.start_byte : piece.end_byte] = b"\n" * (piece.end_byte - piece.start_byte)
    return bytes(raw).decode().removeprefix(BYTE_ORDER_MARK)


@given(texts, st.sampled_from(LANGUAGES), chunkers)
@example("a" * 1000 + "\n" + "b" * 1000, "", Chunker(by_words, 30, 30, 5, "test"))
@example("\u0301" * 500, "", Chunker(by_bytes, 25, 30, 0, "test"))
@example("\ufeff# a\n\ufeff", "markdown", Chunker(by_bytes, 25, 30, 0, "test"))
@example("Bbbb. Aa. xxxxxxxxxxxxx. Bbbb. Aa. ", "", Chunker(by_letters_and_more_together, 36, 36, 5, "test"))
@settings(max_examples=250, deadline=None)
def test_pieces_are_exact_complete_in_order_and_within_the_maximum(text: str, language: str, chunker: Chunker) -> None:
    pieces = chunker.cut(text, language)
    raw, starts = text.encode(), line_starts(text)
    for piece in pieces:
        assert raw[piece.start_byte : piece.end_byte].decode() == piece.text
        assert piece.text.strip()
        assert piece.text[-1:].strip()
        assert piece.text.lstrip(" \t\x0b\x0c")[0] not in "\r\n"
        start = len(raw[: piece.start_byte].decode())
        end = start + len(piece.text)
        assert starts[piece.start_line - 1] <= start
        assert starts[piece.end_line - 1] < end <= [*starts, len(text) + 1][piece.end_line]
    assert not uncovered(text, pieces).strip()
    assert max(chunker._measure([piece.text for piece in pieces]), default=0) <= chunker._most
    for before, after in pairwise(pieces):
        assert before.start_byte < after.start_byte
        assert before.end_byte < after.end_byte
        if not chunker._room.overlap:
            assert before.end_byte <= after.start_byte


@given(texts, st.sampled_from(LANGUAGES), chunkers)
@settings(max_examples=60, deadline=None)
def test_the_same_text_is_always_cut_the_same(text: str, language: str, chunker: Chunker) -> None:
    assert chunker.cut(text, language) == chunker.cut(text, language)


@given(texts, st.sampled_from(LANGUAGES))
@settings(max_examples=60, deadline=None)
def test_a_tokenizer_that_cuts_off_the_rest_without_counting_it_is_found_out(text: str, language: str) -> None:
    def cutting_off(texts: Sequence[str]) -> list[int]:
        return [min(count, 40) for count in by_words(texts)]

    pieces = Chunker(cutting_off, 30, 40, 0, "test").cut(text, language)
    assert max(by_words([piece.text for piece in pieces]), default=0) <= 40
    assert not uncovered(text, pieces).strip()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("letter", ["x", "漢", "🙂", "e\u0301", "\u0301", "\0", "x ", "x\r", "👩‍👩‍👧"])
def test_a_line_of_a_hundred_thousand_characters_is_cut(measure: Measure, letter: str) -> None:
    text = letter * (100_000 // len(letter))
    pieces = Chunker(measure, 400, 512, 0, "test").cut(text)
    assert not uncovered(text, pieces).strip()
    assert max(measure([piece.text for piece in pieces])) <= 512
    assert len(pieces) < 3 * sum(measure([text])) / 400, "not in crumbs"
