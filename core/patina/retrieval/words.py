"""Which of a question's words a passage holds, compared by stem, and where."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+")
_BEGINNING = 3  # the letters that the stemmer leaves alone, but for a handful of words such as "dying"
_STOP = frozenset(
    "a after an and are as at be before between by can do does for from has have how i if in into is it its may me my "
    "no not of on or our over should so some such than that the their them then there these they this through to was "
    "we what when where which who whom why will with would you your".split()
)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    return str(snowballstemmer.stemmer("english").stemWord(word.lower()))


def occurrences(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and stem of each word; ``snake_case`` and ``camelCase`` are taken apart."""
    for word in _WORD.finditer(text):
        yield word.start(), word.end(), stem(word.group())


def found(text: str, stems: Collection[str]) -> set[str]:
    """Which of some stems the text holds. Only words that begin like one of them are stemmed: that is what costs."""
    beginnings = {stem[:_BEGINNING] for stem in stems}
    lower = text.lower()
    if not any(beginning in lower for beginning in beginnings):
        return set()
    words = {word.lower() for word in _WORD.findall(text)}
    return {stem(word) for word in words if word[:_BEGINNING] in beginnings or len(word) < _BEGINNING}.intersection(
        stems
    )


def asked(question: str) -> dict[str, str]:
    """The question's words by stem, without those that every sentence has; all of them if nothing else is left."""
    words = {stem(word): word for word in _WORD.findall(question)}
    telling = {s: w for s, w in words.items() if w.lower() not in _STOP}
    return telling or words


def matched(question: str, text: str) -> list[str]:
    """The question's words that occur in the text, in the question's order."""
    wanted = asked(question)
    held = found(text, wanted)
    return [word for s, word in wanted.items() if s in held]
