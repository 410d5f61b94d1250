"""What a bench finds, and how it is printed and written down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import msgspec

HEAD = ("what", "Patina", "beside it", "ratio")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was measured, Patina's figure, the bare part's, and the one as a share of the other."""

    what: str
    patina: str
    beside: str = ""
    ratio: str = ""


def row(what: str, patina: float, unit: str, beside: float | None = None, ratio: float | None = None) -> Row:
    """`ratio` is given where it is not simply the one figure divided by the other."""
    if beside and ratio is None:
        ratio = patina / beside
    return Row(
        what=what,
        patina=figure(patina, unit),
        beside="" if beside is None else figure(beside, unit),
        ratio="" if ratio is None else f"{ratio:.2f}",
    )


def figure(value: float, unit: str) -> str:
    """Three digits that mean something."""
    digits = min(2, max(0, 3 - len(f"{abs(value):.0f}")))
    return f"{value:,.{digits}f} {unit}".strip()


def table(rows: Sequence[Row]) -> str:
    return grid(HEAD, [(one.what, one.patina, one.beside, one.ratio) for one in rows])


def grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """As Markdown, with columns that line up as plain text too; the first one to the left."""
    cells = [head, *lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    written = ["| " + " | ".join(_aligned(line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 1) + (":" if place else "-") for place, width in enumerate(widths)) + "|"
    return "\n".join([written[0], rule, *written[1:]])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = zip_longest(line, widths)
    return [f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)]
