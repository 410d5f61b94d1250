"""Where the sentences of a paragraph begin."""

# ruff: noqa: RUF001 - quotation marks and stops of many scripts

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(
    r"""
    [.!?…]+ ["'”’»)\]]* \s+ (?=["'“‘«(\[¿¡`*_]* [^\W_a-z])   # a stop, a space, then no small letter
    | [。！？｡]+ [」』”’）】]* \s*                             # full-width stops need no space
    | [।॥။።] \s*                                             # the stops of Devanagari, Burmese and Ethiopic
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“])(?:[A-Z]|[Mm]rs?|[Mm]s|[Dd]r|[Pp]rof|[Ss]t|[Vv]s|[Nn]o|[Ff]ig|[Ee]q|[Ss]ec|[Vv]ol|pp?|cf|e\.g|i\.e|al|ca|approx)\.\s+$"
)
_LONGEST_ABBREVIATION_CHARS = 12


def sentence_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Where each sentence in the span begins; the first is `start` itself."""
    yield start
    for stop in _END.finditer(text, start, end):
        before = text[max(start, stop.end() - _LONGEST_ABBREVIATION_CHARS) : stop.end()]
        if stop.end() < end and not _ABBREVIATION.search(before):
            yield stop.end()
