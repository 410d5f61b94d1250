"""From a file to vectors that are durable."""

from __future__ import annotations

from benchmarks import corpus, raw
from benchmarks.stopwatch import Stopwatch
from benchmarks.table import Row, row
from benchmarks.workshop import Workshop
from patina import wire
from patina.engine import Patina

TITLE = "From files to embedded and durable"
ABOUT = """\
`index_paths` on folders of source code, in an engine whose model is loaded: walk, read, cut into passages, commit,
embed, commit the vectors, index. Beside it stand the bare parts on the same passages: a tokenizer, onnxruntime and a
mean, one text a call on as many threads, with nothing else to do. Rounds of the two alternate and the best of each
counts. The last ratio is the share of raw onnxruntime that does not depend on who else uses the cores: the aim is
0.95."""

PACKAGES = ("concurrent", "json", "xmlrpc", "zoneinfo")  # some 240 passages
QUICK_PACKAGES = ("tomllib",)
ROUNDS = 2
NAME = "corpus"


async def measure(workshop: Workshop) -> list[Row]:
    embed = raw.embedding(workshop)
    engine_runs: list[Stopwatch] = []
    raw_runs: list[Stopwatch] = []
    for number in range(workshop.size(ROUNDS, 1)):
        watch, passages = await _engine_run(workshop, number)
        engine_runs.append(watch)
        with Stopwatch() as watch:
            raw.embed_all(embed, passages, workshop.workers)
        raw_runs.append(watch)
    best, best_raw = (min(runs, key=lambda run: run.wall_s) for runs in (engine_runs, raw_runs))
    cpu_s, raw_cpu_s = (min(run.cpu_s for run in runs) for runs in (engine_runs, raw_runs))
    count = len(passages)
    return [
        row(f"passages per second, {count} passages", count / best.wall_s, "/s", count / best_raw.wall_s),
        row("cores kept busy meanwhile", best.cpu_s / best.wall_s, "", best_raw.cpu_s / best_raw.wall_s),
        row("CPU time a passage", 1000 * cpu_s / count, "ms", 1000 * raw_cpu_s / count),
        row("passages a CPU-second", count / cpu_s, "/s", count / raw_cpu_s),
    ]


async def _engine_run(workshop: Workshop, number: int) -> tuple[Stopwatch, list[str]]:
    """One run over a new home, and the passages that it made."""
    names = QUICK_PACKAGES if workshop.quick else PACKAGES
    async with workshop.engine(workshop.home(f"ingest-{number}")) as patina:
        await patina.embed(["warm"], kind="passage")
        with Stopwatch() as watch:
            await patina.index_paths([corpus.STDLIB / name for name in names], name=NAME)
        return watch, await exported(patina)


async def exported(patina: Patina) -> list[str]:
    """The texts of all passages."""
    events = patina.stream(wire.Export())
    return [event.text async for event in events if isinstance(event, wire.ExportedChunk)]
