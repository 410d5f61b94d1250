"""The smallest parts that a text is cut into where it can be helped: lines of code, sentences of prose.

Each atom has a cost: how bad it is to begin a piece with it. A heading costs less than a paragraph, a paragraph less
than a sentence; in code what stands further left costs less, and what belongs to the line above costs most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from typing import NamedTuple

from patina.ingest.language import is_prose
from patina.ingest.markdown import Outline
from patina.ingest.sentences import sentence_starts
from patina.ingest.spans import BYTE_ORDER_MARK, line_starts

HEADING_COST = 0
PARAGRAPH_COST = 10
ITEM_COST = 20
SENTENCE_COST = 40
FENCED_COST = 60
"""Added to the cost of code that stands in prose: better cut the prose around it."""
ATTACHED_COST = 1000
"""Of what belongs to the line above: a body to its comment, a closing bracket to its block, a text to its heading."""

_NO_BLANK_COST = 4
"""Beginning without a blank line above is as bad as standing one indentation further right."""
_COMMENTED_COST = 1
"""After a blank line below a comment: the line above the comment is as good a place, and takes the comment along."""
_TAB_COLUMNS = 4
_CLOSES = re.compile(r"[)\]}>]|</|(?:end|else|elif|elsif|except|finally|catch|then|fi|done|esac|ensure|rescue)\b")
_LEADS = re.compile(r"@|//|/\*|\*|--|;|#(?!include|define|\[)|#\[")
_ITEM = re.compile(r"\s*(?:[-*+•][ \t]|\d{1,4}[.)][ \t]|\||>|\.\. )")


class Atom(NamedTuple):
    """The characters from `start` to `end`; each ends where the next begins."""

    start: int
    end: int
    cost: int
    heading: tuple[str, ...] = ()
    """The headings above it, outermost first."""


class _Line(NamedTuple):
    """A line that is not blank."""

    start: int
    text: str
    below_blank: bool


class _Begin(NamedTuple):
    start: int
    cost: int


def atoms(text: str, language: str) -> list[Atom]:
    """The text's atoms in order, without blank ones."""
    if language == "markdown":
        return list(_markdown(text))
    starts = line_starts(text)
    lines = _lines(text, starts, range(len(starts)))
    begins = _prose(text, lines, len(text)) if is_prose(language) else _code(lines)
    return list(_atoms(begins, len(text)))


def _markdown(text: str) -> Iterator[Atom]:
    outline = Outline(text)
    for section, following in zip_longest(outline.sections, outline.sections[1:]):
        last_line = following.first_line if following else len(outline.starts)
        end = outline.starts[last_line] if following else len(text)
        begins = list(_body(text, outline, range(section.body_line, last_line), end))
        if section.heading:
            begins[:1] = [_Begin(first.start, ATTACHED_COST) for first in begins[:1]]
            begins.insert(0, _Begin(outline.starts[section.first_line], HEADING_COST))
        yield from _atoms(begins, end, section.heading)


def _body(text: str, outline: Outline, numbers: range, end: int) -> Iterator[_Begin]:
    """Prose and fenced code in turn."""
    for fenced, run in groupby(numbers, lambda number: number in outline.fenced):
        run_numbers = list(run)
        after = run_numbers[-1] + 1
        lines = _lines(text, outline.starts, run_numbers)
        if fenced:
            yield from (_Begin(start, cost + FENCED_COST) for start, cost in _code(lines))
        else:
            yield from _prose(text, lines, outline.starts[after] if after in numbers else end)


def _lines(text: str, starts: Sequence[int], numbers: Iterable[int]) -> list[_Line]:
    found = []
    below_blank = True
    for number in numbers:
        start = starts[number]
        line = text[start : starts[number + 1] if number + 1 < len(starts) else len(text)]
        if start == 0:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.isspace() or not line:
            below_blank = True
        else:
            found.append(_Line(start, line, below_blank))
            below_blank = False
    return found


def _prose(text: str, lines: Sequence[_Line], end: int) -> Iterator[_Begin]:
    """Sentences; paragraphs, list items and table rows begin a new one too."""
    begins = [_Begin(line.start, cost) for line in lines if (cost := _prose_cost(line))]
    for begin, following in zip_longest(begins, begins[1:]):
        first, *rest = sentence_starts(text, begin.start, following.start if following else end)
        yield _Begin(first, begin.cost)
        yield from (_Begin(start, SENTENCE_COST) for start in rest)


def _prose_cost(line: _Line) -> int:
    """0 for a line that goes on with the one above."""
    if line.below_blank:
        return PARAGRAPH_COST
    return ITEM_COST if _ITEM.match(line.text) else 0


def _code(lines: Iterable[_Line]) -> Iterator[_Begin]:
    """Lines, cheap where a definition begins together with the comments and decorators above it."""
    above = _Line(0, "", below_blank=True)
    above_indent = 0
    for line in lines:
        content = line.text.lstrip()
        indent = _columns(line.text[: len(line.text) - len(content)])
        yield _Begin(line.start, indent + _breach(line, content, above, indent - above_indent))
        above, above_indent = line, indent


def _breach(line: _Line, content: str, above: _Line, deeper: int) -> int:
    """What it costs to part a line from the one above, its indentation aside."""
    over = above.text.lstrip()
    comment = bool(_LEADS.match(over))
    if _CLOSES.match(content):
        return ATTACHED_COST
    if line.below_blank:
        return _COMMENTED_COST if comment else 0
    if deeper > 0 or comment:
        return ATTACHED_COST
    return 0 if deeper < 0 or _CLOSES.match(over) else _NO_BLANK_COST


def _columns(indentation: str) -> int:
    return len(indentation.expandtabs(_TAB_COLUMNS))


def _atoms(begins: Iterable[_Begin], end: int, heading: tuple[str, ...] = ()) -> Iterator[Atom]:
    listed = list(begins)
    for begin, following in zip_longest(listed, listed[1:]):
        yield Atom(begin.start, following.start if following else end, begin.cost, heading)
