"""How long the judged packages take to be indexed, and how well they then answer."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from benchmarks import library
from benchmarks.page import recalled
from benchmarks.table import Row, row
from benchmarks.workshop import Workshop
from patina.engine import Patina

NAME = "answers"
TITLE = "The judged packages"
ABOUT = """\
The packages of `benchmarks/questions.toml`, indexed and embedded once into a home that stays; then the twenty
questions, each counted when its expected file is among the first three hits."""


async def measure(workshop: Workshop) -> list[Row]:
    home, report, watch = await library.library(workshop)
    if report.embedded:
        made = [
            row(f"{report.chunks:,} passages indexed and embedded in", watch.wall_s, "s"),
            row("CPU time a passage", 1000 * watch.cpu_s / report.chunks, "ms"),
        ]
    else:  # nothing had changed: what it took when it was made still holds
        made = recalled(NAME)[:2]
    async with workshop.engine(home) as patina:
        return [*made, *await _quality(patina)]


async def _quality(patina: Patina) -> list[Row]:
    if find_spec("benchmarks.quality") is None:
        return []
    rows: list[Row] = await import_module("benchmarks.quality").measure(patina)
    return rows
