"""An answer as a person reads it."""

from pathlib import Path

import msgspec
import pytest

from patina.cli._hits import closing_lines, hit_lines, place, why_lines
from patina.cli._lines import plain
from patina.cli._marking import MARK, Marker
from patina.cli.scry import MAX_LIMIT, enclosing
from patina.wire import ArmScore, CollectionStatus, Hit, Hits, Scry, Why

HIT = Hit(
    id="c1",
    score=0.873,
    rrf=0.0286,
    repo="notes",
    path="logs/rotation.md",
    location="/home/me/notes/logs/rotation.md",
    start_line=12,
    end_line=20,
    title="Logging",
    heading=["Logging", "Rotating files"],
    text="…",
    snippet="Logs are rotated\nwhen they are full.",
    previous=None,
    next=None,
    arms={"dense": ArmScore(rank=2, score=0.81), "lexical": ArmScore(rank=1, score=7.25)},
)
HERE = Path("/home/me")


def shown(hit: Hit = HIT, explain: bool = False) -> list[str]:
    return [plain(line) for line in hit_lines(1, hit, Marker("rotate"), HERE, explain)]


def test_a_hit_says_where_it_is_why_it_came_and_what_it_says() -> None:
    assert shown() == [
        " 1. notes/logs/rotation.md:12  0.87  meaning #2 · words #1",
        "    Logging > Rotating files",
        "      Logs are rotated",
        "      when they are full.",
        "",
    ]


def test_the_asked_words_are_marked_in_heading_and_passage() -> None:
    pieces = [piece for line in hit_lines(1, HIT, Marker("rotate"), HERE, False) for piece in line.pieces]
    assert [piece.text for piece in pieces if piece.style == MARK] == ["Rotating", "rotated"]


def test_explain_adds_raw_scores_and_matched_words() -> None:
    text = "\n".join(shown(msgspec.structs.replace(HIT, matched=["rotate"]), explain=True))
    for part in ("rank 2, raw score 0.8100", "rank 1, raw score 7.2500", "words matched: rotate", "id c1"):
        assert part in text


@pytest.mark.parametrize(
    ("location", "here", "expected"),
    [
        ("/home/me/notes/a.md", "/home/me/notes", "a.md:12"),
        ("/home/me/notes/a.md", "/home/me/other", "/home/me/notes/a.md:12"),
        ("https://example.org/a", "/home/me", "https://example.org/a"),
        ("", "/home/me", "notes/logs/rotation.md"),
    ],
)
def test_a_place_can_be_opened_from_here(location: str, here: str, expected: str) -> None:
    assert place(msgspec.structs.replace(HIT, location=location), Path(here)) == expected


def test_a_long_passage_is_cut() -> None:
    lines = shown(msgspec.structs.replace(HIT, snippet="line\n" * 100))
    assert lines.count("      line") == 8
    assert "      …" in lines


def test_the_answer_closes_with_its_count_and_what_is_wrong_with_it() -> None:
    hits = Hits(hits=[HIT, HIT], degraded="40 % of notes is embedded.", took_ms=12.4)
    assert [plain(line) for line in closing_lines(hits)] == [
        "2 hits from 1 collection in 12 ms",
        "! 40 % of notes is embedded.",
    ]


def collection(name: str, root: str) -> CollectionStatus:
    return CollectionStatus(name=name, root=root, documents=1, chunks=1, embedded=1, model="", indexed_at=None)


@pytest.mark.parametrize(
    ("here", "name"),
    [("/a/b/c/d", "deep"), ("/a/b/x", "high"), ("/a/b", "high"), ("/a/bc", None), ("/", None)],
)
def test_the_innermost_collection_around_a_folder_is_asked(here: str, name: str | None) -> None:
    collections = [collection("high", "/a/b"), collection("deep", "/a/b/c"), collection("data", "")]
    assert enclosing(Path(here), collections) == name


def test_the_limit_on_the_command_line_is_the_one_of_the_wire() -> None:
    fields = {field.name: field.type for field in msgspec.inspect.type_info(Scry).fields}  # type: ignore[attr-defined]
    assert (fields["limit"].ge, fields["limit"].le) == (1, MAX_LIMIT)


def test_explaining_says_what_a_vote_counted() -> None:
    hits = Hits(hits=[], degraded=None, took_ms=1.0, weights={"dense": 1.0, "lexical": 0.05})
    lines = [plain(line) for line in closing_lines(hits, explain=True)]
    assert "What a vote counted: meaning 1.00, words 0.05" in lines


def test_a_document_that_was_asked_about_is_told_before_the_hits() -> None:
    why = Why(
        repo="notes",
        path="sea.md",
        chunk="c9",
        rank=None,
        arms={"lexical": ArmScore(rank=61, score=1.25)},
        window=500,
        matched=["lamp"],
        missing=["amber"],
        sentence="Not among the first 50 by words, but further down: #61 by words.",
    )
    assert [plain(line) for line in why_lines(why)] == [
        "notes/sea.md  Not among the first 50 by words, but further down: #61 by words.",
        "    words (lexical): rank 61, raw score 1.2500",
        "    best passage c9",
        "    words held: lamp",
        "",
    ]
    assert why_lines(None) == []
