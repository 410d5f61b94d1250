"""Snippets and the words that matched."""

from __future__ import annotations

from patina.retrieval.snippet import snippet
from patina.retrieval.words import Words


def test_words_match_by_stem_and_inside_identifiers() -> None:
    assert Words("How do I rotate files?").matched("class RotatingFileHandler: pass") == ["rotate", "files"]
    assert Words("What is it?").matched("nothing of it") == ["it"]


def test_a_snippet_shows_the_lines_that_answer() -> None:
    text = "\n".join([f"line {n} about nothing" for n in range(60)] + ["the needle is here"] + ["end"] * 5)
    assert "needle" in snippet(text, Words("Where is the needle?"))
    assert snippet(text).startswith("line 0")
    assert len(snippet(text, Words("needle"))) <= 320


def test_a_line_longer_than_the_snippet_is_cut() -> None:
    assert snippet("x" * 5000, Words("y")) == "x" * 320
