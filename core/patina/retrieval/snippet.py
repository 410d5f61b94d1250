"""The part of a passage worth showing first."""

from __future__ import annotations

from collections.abc import Mapping

from patina.retrieval.words import Words

SNIPPET_CHARACTERS = 320


def snippet(text: str, words: Words | None = None, length: int = SNIPPET_CHARACTERS) -> str:
    """Whole lines of the passage, `length` characters or a little less, around most of a question's words.

    Without a question, or without any of its words, the beginning. A line that is longer is cut.
    """
    lines = text.strip("\n").split("\n")
    first = _best_start(lines, words.forms(text), length) if words and len(text) > length else 0
    return "\n".join(lines[first : _fill(lines, first, length)])[:length]


def _best_start(lines: list[str], forms: Mapping[str, str], length: int) -> int:
    """The line to begin at: the first of those from which on the most different words of the question fit in.

    forms: the words to look for, in lower case, with their stems.
    """
    lowered = [line.lower() for line in lines]
    held = [(number, stem) for number, line in enumerate(lowered) for form, stem in forms.items() if form in line]
    best, most = 0, 0
    for start in dict.fromkeys(number for number, _ in held):
        end = _fill(lines, start, length)
        fitting = len({stem for number, stem in held if start <= number < end})
        if fitting > most:
            best, most = start, fitting
    return best


def _fill(lines: list[str], first: int, length: int) -> int:
    """The line after the last that still fits when a snippet begins at `first`; always at least one."""
    room = length - len(lines[first])
    last = first + 1
    while last < len(lines) and room > len(lines[last]):
        room -= len(lines[last]) + 1
        last += 1
    return last
