"""Which lines of a Markdown text are headings and which only look like it."""

from __future__ import annotations

import pytest

from patina.ingest.markdown import Outline


def headings(text: str) -> list[tuple[str, ...]]:
    return [section.heading for section in Outline(text).sections[1:]]


def test_headings_know_what_they_stand_under() -> None:
    text = "# A\n## B\n### C\n## D\n# E\n### F\n"
    assert headings(text) == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",), ("E", "F")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A #\n", "A"),
        ("#\tA\r\n", "A"),
        ("   ### A ###   \n", "A"),
        ("A\n===\n", "A"),
        ("text\n\nA\r\n---\r\n", "A"),
        ("# A {#anchor}\n", "A"),
        ("# **A** and `b`\n", "A and b"),
        ("# ![logo](x.png) A\n", "logo A"),
        ("#\n", ""),
        ("# a_b C#\n", "a_b C#"),
    ],
)
def test_what_is_a_heading(text: str, expected: str) -> None:
    assert headings(text) == [(expected,)]


@pytest.mark.parametrize(
    "text",
    [
        "#A\n",
        "    # A\n",
        "####### A\n",
        "text # A\n",
        "```\n# A\n```\n",
        "~~~ sh\n# A\n```\n# B\n~~~\n",
        "````\n```\n# A\n````\n",
        "```\n# A, and the fence is never closed\n",
        "two lines\nof a paragraph\n---\n",
        "- item\n---\n",
        "| a |\n---\n",
        "\n---\n",
        "---\n",
        "---\nkey: x\n---\n",
        "---\n# a comment among settings\n...\n",
    ],
)
def test_what_is_not_a_heading(text: str) -> None:
    assert headings(text) == []


def test_an_inline_code_span_at_the_start_of_a_line_opens_no_fence() -> None:
    assert headings("```not a fence``` text\n# A\n") == [("A",)]


def test_a_fence_is_known_with_its_marks() -> None:
    assert Outline("a\n```py\nb\n```\nc").fenced == {1, 2, 3}
