"""Places in a text: where its lines begin, and which byte and line a character stands at."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\n|\r")


def line_starts(text: str) -> list[int]:
    """The offset of each line's first character; \\n, \\r\\n and a lone \\r end a line."""
    return [0, *(newline.end() for newline in _NEWLINE.finditer(text))]


def line_of(starts: Sequence[int], offset: int) -> int:
    """The line, from 1, that a character stands in."""
    return bisect_right(starts, offset)


def byte_offsets(text: str, offsets: Iterable[int]) -> dict[int, int]:
    """Where each of the characters begins in the text's UTF-8 form, in one pass over the text."""
    if text.isascii():
        return {offset: offset for offset in offsets}
    found: dict[int, int] = {}
    seen = total = 0
    for offset in sorted(set(offsets)):
        total += len(text[seen:offset].encode())
        seen = offset
        found[offset] = total
    return found


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without blank lines in front and white space behind; a first line keeps its indentation."""
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    if start == 0 and text.startswith(BYTE_ORDER_MARK):
        start = 1
    begin = end - len(text[start:end].lstrip())
    newline = max(text.rfind("\n", start, begin), text.rfind("\r", start, begin))
    return (start if newline < 0 else newline + 1), max(start, end)
