"""Cutting what has no structure left: a line or a sentence that is too long for one piece."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_LONGEST_CLUSTER = 32
_JOINER = "\u200d"


def slices(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """The span in parts of at most `size` characters, cut after a newline, else between words, else anywhere.

    A letter is not parted from its accents nor an emoji from its variations, unless there are more than 32 of them.
    """
    while end - start > size:
        cut = _cut(text, start, start + size)
        yield start, cut
        start = cut
    yield start, end


def _cut(text: str, start: int, latest: int) -> int:
    """The best place to cut, after `start` and not after `latest`."""
    earliest = start + (latest - start + 1) // 2
    newline = text.rfind("\n", earliest, latest)
    if newline >= 0:
        return newline + 1
    for at in range(latest, earliest, -1):
        if text[at - 1].isspace() and not text[at].isspace():
            return at
    for at in range(latest, max(start, latest - _LONGEST_CLUSTER), -1):
        if not _clings(text[at - 1], text[at]):
            return at
    return latest


def _clings(before: str, letter: str) -> bool:
    """Whether a letter is drawn together with the one before it."""
    if letter.isascii():
        return before == "\r" and letter == "\n"
    return (
        unicodedata.category(letter) in {"Mn", "Mc", "Me"}
        or _JOINER in {before, letter}
        or _is_skin_tone(letter)
        or (_is_flag_half(before) and _is_flag_half(letter))
    )


def _is_skin_tone(letter: str) -> bool:
    return "\U0001f3fb" <= letter <= "\U0001f3ff"


def _is_flag_half(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"
