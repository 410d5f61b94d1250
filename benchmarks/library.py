"""A home that stays: the packages that the questions are about, embedded once and served from then on.

It is indexed like any other, so it repairs itself: a later run embeds only what another Python, another way of cutting
or another model has changed.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import corpus, quality
from benchmarks.stopwatch import Stopwatch
from benchmarks.workshop import Workshop
from patina.wire import IndexReport

NAME = quality.COLLECTION
QUICK_PACKAGES = ("tomllib", "json")


async def library(workshop: Workshop) -> tuple[Path, IndexReport, Stopwatch]:
    """Its home, what this run had to do for it, and how long that took."""
    home = workshop.cache / "library"
    home.parent.mkdir(parents=True, exist_ok=True)
    folders = [corpus.STDLIB / name for name in QUICK_PACKAGES] if workshop.quick else corpus.packages()
    async with workshop.engine(home) as patina:
        with Stopwatch() as watch:
            [report] = await patina.index_paths(folders, name=NAME)
    return home, report, watch
