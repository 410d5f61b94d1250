"""Texts and rules made to keep a careless pattern busy for years: each of these tests ends, or the rule is broken."""

from __future__ import annotations

import pytest

from patina.ingest.chunk import Chunker, estimate
from patina.ingest.extract import extract
from patina.ingest.ignore import parse

SIZE = 25_000
UNITS = ["... ", ".", "!?", '. "', ".'", "。」", "# ", "#", "# [", "# [a](", "# \t", "{#", "`", "> ", "- ", "1. ", "| "]
UNITS += ["\t", "'", '"', "#\r\n", "\r\n", "\r", " \n", "@", "/*", "---\n", "```\n", "# a\n", "a_", "A", "\\", "\ufeff"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.py"])
def test_a_text_of_one_thing_over_and_over_is_cut_in_good_time(unit: str, name: str) -> None:
    raw = (unit * (SIZE // len(unit)) + "x").encode()
    text = extract(name, raw)
    pieces = Chunker(estimate, 400, 512).cut(text.text, text.language)
    assert pieces[-1].text.endswith("x")
    assert max(estimate([piece.text for piece in pieces])) <= 512


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (b"*a*a*a*a*a*a*a*a*a*a*a*a*b", "a" * 255),
        (b"/*a*a*a*a*a*a*a*a*a*a*a*a*b/x", "a" * 255 + "/x"),
        (b"**/a/**/a/**/a/**/a/**/a/**/a/**/b", "a/" * 1000 + "a"),
        (b"a**/a/**/a/**/a/**/a/**/a/**/b", "a/" * 1000 + "a"),
        (b"**/*a*a/**/*a*a/**/*a*a/**/*a*a/**/b", "aaaa/" * 500 + "a"),
        (b"[" * 1000, "a"),
        (b"?" * 300 + b"*" * 300, "a" * 255),
    ],
)
def test_a_rule_full_of_stars_is_matched_in_good_time(rule: bytes, path: str) -> None:
    assert not any(one.pattern.fullmatch(path) for one in parse(rule))
