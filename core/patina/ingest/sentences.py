"""Where the sentences of a paragraph begin."""

# ruff: noqa: RUF001 - quotation marks and stops of many scripts

from __future__ import annotations

import re
from collections.abc import Iterator

# Each run of marks is looked at once, from its beginning: a page of dots must not take a day.
_END = re.compile(
    r"""
    (?<![.!?…]) [.!?…]++ ["'”’»)\]]*+ \s++ (?=["'“‘«(\[¿¡`*_]*+ [^\W_a-z])   # a stop, a space, then no small letter
    | [。！？｡]++ [」』”’）】]*+ \s*+                                           # full-width stops need no space
    | [।॥။።] \s*+                                                              # Devanagari, Burmese, Ethiopic
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"""(?:^|[\s("'“])
    (?:[A-Z]|[Mm]rs?|[Mm]s|[Dd]r|[Pp]rof|[Ss]t|[Vv]s|[Nn]o|[Ff]ig|[Ee]q|[Ss]ec|[Vv]ol|pp?|cf|e\.g|i\.e|al|ca|approx)
    \.\s+$""",
    re.VERBOSE,
)
_LONGEST_ABBREVIATION_CHARS = 12


def sentence_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Where each sentence in the span begins; the first is `start` itself."""
    yield start
    for stop in _END.finditer(text, start, end):
        if stop.end() < end and not (stop.group().startswith(".") and _is_abbreviation(text, start, stop.end())):
            yield stop.end()


def _is_abbreviation(text: str, start: int, end: int) -> bool:
    return _ABBREVIATION.search(text[max(start, end - _LONGEST_ABBREVIATION_CHARS) : end]) is not None
