"""Snippets and the words that matched."""

from __future__ import annotations

from patina.retrieval.snippet import snippet
from patina.retrieval.words import matched


def test_words_match_by_stem_and_inside_identifiers() -> None:
    assert matched("How do I rotate files?", "class RotatingFileHandler: pass") == ["rotate", "files"]
    assert matched("What is it?", "nothing of it") == ["it"]


def test_a_snippet_shows_the_lines_that_answer() -> None:
    text = "\n".join([f"line {n} about nothing" for n in range(60)] + ["the needle is here"] + ["end"] * 5)
    assert "needle" in snippet(text, "Where is the needle?")
    assert snippet(text).startswith("line 0")
    assert len(snippet(text, "needle")) <= 320


def test_a_line_longer_than_the_snippet_is_cut() -> None:
    assert snippet("x" * 5000, "y") == "x" * 320
