"""From a file to being found by its words."""

from __future__ import annotations

import shutil
from pathlib import Path

import tantivy

from benchmarks import corpus
from benchmarks.ingest import exported
from benchmarks.stopwatch import Stopwatch
from benchmarks.table import Row, row
from benchmarks.workshop import Workshop

TITLE = "From files to found by their words"
ABOUT = """\
`index_paths` without any model: walk, read, cut, commit, and wait until every passage is found by its words. Beside it
tantivy takes the same passages from memory with its own English stemmer and commits once. That leaves out the files,
the cutting, the durable text and the splitting of identifiers: the ratio says what all of those cost together."""

MODULES = 200
QUICK_MODULES = 5
ROUNDS = 2
HEAP_BYTES = 15_000_000


async def measure(workshop: Workshop) -> list[Row]:
    folder = _modules(workshop)
    runs: list[Stopwatch] = []
    bare: list[Stopwatch] = []
    for number in range(workshop.size(ROUNDS, 1)):
        async with workshop.wordless_engine(workshop.home(f"lexical-{number}")) as patina:
            with Stopwatch() as watch:
                await patina.index_paths([folder], name="modules")
            runs.append(watch)
            texts = await exported(patina)
        with Stopwatch() as watch:
            _tantivy(workshop.scratch / f"tantivy-{number}", texts)
        bare.append(watch)
    wall, bare_wall = (min(run.wall_s for run in found) for found in (runs, bare))
    cpu, bare_cpu = (min(run.cpu_s for run in found) for found in (runs, bare))
    count = len(texts)
    return [
        row(f"passages per second, {count:,} passages", count / wall, "/s", count / bare_wall),
        row("CPU time a passage", 1000 * cpu / count, "ms", 1000 * bare_cpu / count),
    ]


def _modules(workshop: Workshop) -> Path:
    """Single modules of the standard library, the largest first, in a folder of their own."""
    folder = workshop.scratch / "modules"
    folder.mkdir()
    modules = sorted(corpus.STDLIB.glob("*.py"), key=lambda path: (-path.stat().st_size, path.name))
    for path in modules[: workshop.size(MODULES, QUICK_MODULES)]:
        shutil.copy(path, folder)
    return folder


def _tantivy(folder: Path, texts: list[str]) -> None:
    folder.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", tokenizer_name="en_stem")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(HEAP_BYTES, 1)
    for number, text in enumerate(texts):
        writer.add_document(tantivy.Document(id=str(number), text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
