"""The part of a passage worth showing first."""

from __future__ import annotations

from patina.retrieval.words import asked, occurrences

SNIPPET_CHARACTERS = 320


def snippet(text: str, question: str = "", length: int = SNIPPET_CHARACTERS) -> str:
    """Whole lines of the passage, `length` characters or a little less, around most of the question's words.

    Without a question, or without any of its words, the beginning. A line that is longer is cut.
    """
    lines = text.strip("\n").split("\n")
    weights = _weigh(lines, set(asked(question)) if question else set())
    best, best_weight = (0, 1), -1
    for first in range(len(lines)):
        last = _fill(lines, first, length)
        weight = len(frozenset().union(*weights[first:last]))
        if weight > best_weight:
            best, best_weight = (first, last), weight
        if last == len(lines):
            break
    return "\n".join(lines[slice(*best)])[:length]


def _weigh(lines: list[str], wanted: set[str]) -> list[frozenset[str]]:
    return [frozenset(s for _, _, s in occurrences(line) if s in wanted) for line in lines]


def _fill(lines: list[str], first: int, length: int) -> int:
    """The line after the last that still fits when a snippet begins at `first`; always at least one."""
    room = length - len(lines[first])
    last = first + 1
    while last < len(lines) and room > len(lines[last]):
        room -= len(lines[last]) + 1
        last += 1
    return last
