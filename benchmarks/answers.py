"""How long the judged packages take to be indexed, and how well they then answer."""

from __future__ import annotations

from benchmarks import library, page, quality
from benchmarks.table import Row, figure, row
from benchmarks.workshop import Workshop
from patina.engine import Patina

NAME = "answers"
TITLE = "The judged packages"
ABOUT = """\
The packages of `benchmarks/questions.toml`, indexed and embedded once into a home that stays; then twenty questions,
each counted when the expected file is among the first three hits. Beside that the count by kind: of each there are ten,
and a paraphrase shares no content word with its file."""


async def measure(workshop: Workshop) -> list[Row]:
    home, report, watch = await library.library(workshop)
    if report.embedded:
        made = [
            Row(
                what=f"{report.chunks:,} passages indexed and embedded in",
                patina=figure(watch.wall_s, "s"),
                beside=page.circumstances(),
            ),
            row("CPU time a passage", 1000 * watch.cpu_s / report.chunks, "ms"),
        ]
    else:  # nothing had changed: the figures of the run that made it, which say when that was
        made = page.recalled(NAME)[:2]
    async with workshop.engine(home) as patina:
        return [*made, *await _quality(patina)]


async def _quality(patina: Patina) -> list[Row]:
    given = await quality.ranks(patina)
    counts = quality.found(given)
    return [
        Row(
            what=f"{mode}: file among the first {quality.FIRST}",
            patina=f"{counts[mode].total()} of {len(given)}",
            beside=", ".join(f"{kind} {counts[mode][kind]}" for kind in ("keyword", "paraphrase")),
        )
        for mode in quality.MODES
    ]
