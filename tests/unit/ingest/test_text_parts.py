"""The small tools under the chunker: sentences, slices, places, packing."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.ingest.estimate import estimate
from patina.ingest.pack import LEAST_SHARE, Room, pack
from patina.ingest.sentences import sentence_starts
from patina.ingest.slices import slices
from patina.ingest.spans import byte_offsets, line_of, line_starts


def sentences(text: str) -> list[str]:
    starts = [*sentence_starts(text, 0, len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


@pytest.mark.parametrize(
    "parts",
    [
        ["One. ", "Two! ", "Three? ", "Four… ", "(Five.) ", "“Six.” ", "7 is seven."],
        ["See Dr. No and Mr. X, e.g. J. R. R. Tolkien vs. C. S. Lewis, p. 3. ", "Then more."],
        ["It costs 3.50 and runs on v1.2.3 at example.org. ", "Really."],
        ["It ends... and goes on. ", "Now it ended."],
        ["文。", "また文｡", "「はい。」", "終わり"],
        ["यह एक वाक्य है। ", "यह दूसरा है।"],
        ["Ist das so? ", "Ähnlich. ", "¿Qué? ", "Élan."],
        ["no end at all"],
        ["Line one\ngoes on.\n", "Line three."],
    ],
)
def test_sentences_begin_where_a_reader_says_so(parts: list[str]) -> None:
    assert sentences("".join(parts)) == parts


clusters = st.sampled_from(["a", "e\u0301", "🇩🇪", "👩‍👩‍👧", "👍🏽", "漢", "क्षि", "\r\n", " ", "\n", "☀️"])


@given(st.lists(clusters, min_size=15, max_size=40).map("".join), st.integers(12, 16))
def test_slices_cover_all_and_part_nothing_that_is_drawn_together(text: str, size: int) -> None:
    cuts = list(slices(text, 0, len(text), size))
    assert "".join(text[start:end] for start, end in cuts) == text
    assert all(end - start <= size for start, end in cuts)
    for start, _ in cuts[1:]:
        assert not unicodedata.category(text[start]).startswith("M")
        assert "\u200d" not in text[start - 1 : start + 1]
        assert text[start - 1 : start + 1] != "\r\n"
        assert not "🏻" <= text[start] <= "🏿"


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_heap_of_accents_is_cut_all_the_same(size: int) -> None:
    text = "e" + "\u0301" * 500
    assert "".join(text[start:end] for start, end in slices(text, 0, len(text), size)) == text


def test_slices_end_with_a_line_before_a_word_before_anything() -> None:
    assert [end for _, end in slices("aaaa bb\ncc dd ee", 0, 16, 10)] == [8, 16]
    assert [end for _, end in slices("aaaa bb cc dd ee", 0, 16, 10)] == [8, 16]
    assert [end for _, end in slices("aaaabbccddeeffgg", 0, 16, 10)] == [10, 16]


@given(st.text(st.sampled_from("ä漢🙂x\n\r")))
def test_places_agree_with_python(text: str) -> None:
    offsets = byte_offsets(text, range(len(text) + 1))
    starts = line_starts(text)
    for at in range(len(text) + 1):
        assert offsets[at] == len(text[:at].encode())
    lines = text.splitlines(keepends=True)
    assert [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)] == [
        *lines,
        *([""] if not lines or lines[-1][-1] in "\r\n" else []),
    ]
    assert [line_of(starts, start) for start in starts] == list(range(1, len(starts) + 1))


counted = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=60)


@given(counted, st.integers(0, 15))
def test_runs_cover_all_atoms_and_respect_the_room(atoms: list[tuple[int, int]], overlap: int) -> None:
    counts, costs = [count for count, _ in atoms], [cost for _, cost in atoms]
    room = Room(target=50, most=60, overlap=overlap)
    runs = pack(counts, costs, room)
    assert [run.first for run in runs] == [0, *(run.end for run in runs[:-1])]
    assert runs[-1].end == len(atoms)
    for run in runs:
        assert run.end == run.first + 1 or sum(counts[run.first : run.end]) <= room.most
        assert run.repeat <= run.first
    for before, after in pairwise(runs):
        assert after.repeat > before.first
        filled = sum(counts[before.first : before.end])
        assert filled >= int(LEAST_SHARE * room.target) or counts[before.end] + filled > room.target - overlap


def test_a_run_ends_where_the_next_begins_best_and_as_late_as_that_allows() -> None:
    assert [run.end for run in pack([10] * 8, [0, 9, 1, 9, 1, 9, 9, 9], Room(50, 60, 0))] == [4, 8]


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 5, 5),
        ("The quick brown fox jumps over the lazy dog.", 17, 20),
        ("def f(x: int) -> int:\n    return x + 1\n", 22, 26),
        ("snake_case_name camelCaseName SCREAMING_NAME", 21, 30),
        ("日本語の文章", 8, 15),
    ],
)
def test_the_estimate_is_near_and_not_below(text: str, least: int, most: int) -> None:
    """`least` is what the tokenizer of multilingual-e5-small counts."""
    assert least <= estimate([text])[0] <= most
