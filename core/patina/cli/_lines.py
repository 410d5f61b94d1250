"""Lines for people: pieces of text, each with a style, that a terminal shows in colour and a file gets plain.

rich is imported only when there is a terminal. Whatever is shown has passed `clean`: a document must not be able to
move the cursor or change the title of the window that it is read in.
"""

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TAB_WIDTH = 4
MINUTE_S = 60
ROUND_FROM_S = 10


class Piece(NamedTuple):
    """A run of text and its rich style ("bold", "yellow", …)."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """One line before wrapping: continuation lines keep the indent."""

    pieces: tuple[Piece, ...] = ()
    indent: int = 0


def line(*pieces: str | Piece, indent: int = 0) -> Line:
    return Line(tuple(Piece(piece) if isinstance(piece, str) else piece for piece in pieces), indent)


def clean(text: str) -> str:
    """Text without control characters; tabs become spaces."""
    return CONTROLS.sub("�", text.replace("\r\n", "\n").expandtabs(TAB_WIDTH))


def show(lines: Sequence[Line], stream: TextIO | None = None) -> None:
    """Print for a person: wrapped to the width and styled on a terminal, one plain line each elsewhere."""
    stream = stream or sys.stdout
    if stream.isatty():
        _show_styled(lines, stream)
    else:
        stream.writelines(f"{plain(each)}\n" for each in lines)


def plain(one: Line) -> str:
    return (" " * one.indent + clean("".join(piece.text for piece in one.pieces))).rstrip()


def show_json(value: Any) -> None:
    """Print for a program."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def notice(text: str) -> None:
    """Say something beside the answer."""
    sys.stderr.write(f"patina: {clean(text)}\n")


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> list[Line]:
    """Columns as wide as their widest cell; the last is ragged."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def cells(row: Sequence[str], style: str) -> Line:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        return line(Piece("  ".join([*padded, row[-1]]), style))

    return [cells(header, "dim"), *(cells(row, "") for row in rows)]


def count(number: int, noun: str) -> str:
    """How many of what: "1 chunk", "1 200 chunks"."""
    plural = noun if number == 1 else f"{noun}s"
    return f"{number:,} {plural}".replace(",", " ")


def duration(seconds: float) -> str:
    """A time as short as it may be: "40 ms", "2.5 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    minutes, rest = divmod(round(seconds), MINUTE_S)
    hours, minutes = divmod(minutes, MINUTE_S)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s"
    if seconds >= ROUND_FROM_S:
        return f"{rest} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _show_styled(lines: Sequence[Line], stream: TextIO) -> None:
    console = _console(stream)
    for each in lines:
        console.print(*_wrapped(console, each), sep="\n", overflow="ignore", no_wrap=True, crop=False)


def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _wrapped(console: "Console", one: Line) -> list[Any]:
    from rich.text import Text

    text = Text.assemble(*((clean(piece.text), piece.style) for piece in one.pieces))
    width = max(20, console.width - one.indent)
    return [Text.assemble(" " * one.indent, part) for part in text.wrap(console, width)]
