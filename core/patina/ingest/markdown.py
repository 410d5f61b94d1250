"""The outline of a Markdown text: its sections under their headings, and what is fenced off as code."""

from __future__ import annotations

import re
from typing import NamedTuple

from patina.ingest.spans import BYTE_ORDER_MARK, line_starts

MAX_HEADING_CHARS = 200

_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_NOT_A_TITLE = re.compile(r"\s*([-*+>|#<]|\d+[.)]|$)| {4}|\t")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_FRONT_TITLE = re.compile(r"title:[ \t]*(.+)")


class Section(NamedTuple):
    """A heading and what follows it, up to the next heading."""

    first_line: int
    body_line: int
    """The first line after the heading."""
    heading: tuple[str, ...]
    """This heading and those above it, outermost first; empty in front of the first."""


class Outline:
    """One pass over the lines, which count from 0 here.

    `starts` are their offsets, `fenced` those that are code, fences included; the first section has no heading.
    """

    def __init__(self, text: str) -> None:
        self.starts = line_starts(text)
        ends = [*self.starts[1:], len(text)]
        self._lines = [text[start:end].rstrip("\r\n") for start, end in zip(self.starts, ends, strict=True)]
        self._lines[0] = self._lines[0].removeprefix(BYTE_ORDER_MARK)
        self.sections = [Section(0, 0, ())]
        self.fenced: set[int] = set()
        self._open: list[tuple[int, str]] = []
        self._front_title = ""
        self._read(self._front_matter())

    @property
    def title(self) -> str:
        """The title that the front matter gives, else the first heading; empty without either."""
        headings = (section.heading[-1] for section in self.sections if section.heading)
        return self._front_title or next((heading for heading in headings if heading), "")

    def _front_matter(self) -> int:
        """Pass over the settings that static site generators keep on top; the number of their lines."""
        if self._lines[0].rstrip() != "---":
            return 0
        for number, line in enumerate(self._lines[1:], start=1):
            if line.rstrip() in {"---", "..."}:
                titles = filter(None, map(_FRONT_TITLE.match, self._lines[1:number]))
                self._front_title = next((title.group(1).strip().strip("\"'") for title in titles), "")
                return number + 1
        return 0

    def _read(self, first: int) -> None:
        fence = ""
        for number in range(first, len(self._lines)):
            line = self._lines[number]
            mark = _FENCE.match(line)
            if fence or mark:
                self.fenced.add(number)
                fence = _after(fence, line) if fence else mark.group(1) if mark else ""
            elif heading := _HEADING.match(line):
                self._add(number, number + 1, len(heading.group(1)), _unclosed(line[heading.end() :]))
            elif self._is_underline(number):
                self._add(number - 1, number + 1, 1 if "=" in line else 2, self._lines[number - 1])

    def _is_underline(self, number: int) -> bool:
        """Whether the line makes a heading of the one above, which must stand alone."""
        if number == 0 or not _UNDERLINE.match(self._lines[number]):
            return False
        alone = number == 1 or not self._lines[number - 2].strip()
        return alone and not _NOT_A_TITLE.match(self._lines[number - 1])

    def _add(self, line: int, body_line: int, level: int, text: str) -> None:
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, _plain(text)))
        self.sections.append(Section(line, body_line, tuple(heading for _, heading in self._open)))


def _after(fence: str, line: str) -> str:
    """The fence that is open after a line inside it: the same one, or none if the line closes it."""
    close = line.strip(" \t")
    closed = len(close) >= len(fence) and set(close) == {fence[0]}
    return "" if closed else fence


def _unclosed(heading: str) -> str:
    """A heading without the hashes that may stand behind it."""
    text = heading.rstrip()
    opened = text.rstrip("#")
    return opened if not opened or opened[-1].isspace() else text


def _plain(heading: str) -> str:
    """A heading without links, code marks and anchors."""
    text = heading.strip()[: 2 * MAX_HEADING_CHARS]
    anchor = text.rfind("{")
    if text.endswith("}") and text[anchor + 1] in "#.":
        text = text[:anchor]
    return _LINK.sub(r"\1", text).replace("`", "").replace("**", "").strip()[:MAX_HEADING_CHARS]
