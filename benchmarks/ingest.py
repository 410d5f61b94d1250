"""From a file to vectors that are durable."""

from __future__ import annotations

from statistics import median

import msgspec

from benchmarks import corpus, raw
from benchmarks.raw import Embed
from benchmarks.stopwatch import Stopwatch
from benchmarks.table import Row, row
from benchmarks.workshop import Workshop
from patina import wire
from patina.engine import Patina

TITLE = "From files to embedded and durable"
ABOUT = """\
`index_paths` on folders of source code, in an engine whose model is loaded: walk, read, cut into passages, commit,
embed, commit the vectors, index. Beside it stand the bare parts on the same passages: a tokenizer, onnxruntime and a
mean, one text a call on as many threads, with nothing else to do. The two take turns, package by package, and the ratio
is the median of those pairs. The aim is a share of 0.95 of raw onnxruntime; by CPU time it does not depend on who else
uses the cores, by the wall's clock it does."""

PACKAGES = ("concurrent", "json", "xmlrpc", "zoneinfo")  # some 230 passages
QUICK_PACKAGES = ("tomllib",)
ROUNDS = 2


class Pair(msgspec.Struct, frozen=True):
    """One package: how many passages it gave, and what the engine and the bare parts took for them."""

    passages: int
    engine: Stopwatch
    bare: Stopwatch


async def measure(workshop: Workshop) -> list[Row]:
    embed = raw.embedding(workshop)
    pairs: list[Pair] = []
    for number in range(workshop.size(ROUNDS, 1)):
        async with workshop.engine(workshop.home(f"ingest-{number}")) as patina:
            await patina.embed(["warm"], kind="passage")
            names = QUICK_PACKAGES if workshop.quick else PACKAGES
            pairs += [await _pair(workshop, patina, embed, name) for name in names]
    count = sum(pair.passages for pair in pairs)
    wall_s, bare_wall_s = sum(pair.engine.wall_s for pair in pairs), sum(pair.bare.wall_s for pair in pairs)
    cpu_s, bare_cpu_s = sum(pair.engine.cpu_s for pair in pairs), sum(pair.bare.cpu_s for pair in pairs)
    wall_share = median(pair.bare.wall_s / pair.engine.wall_s for pair in pairs)
    cpu_share = median(pair.bare.cpu_s / pair.engine.cpu_s for pair in pairs)
    return [
        row(f"passages per second, {count} passages", count / wall_s, "/s", count / bare_wall_s, wall_share),
        row("passages a CPU-second", count / cpu_s, "/s", count / bare_cpu_s, cpu_share),
        row("CPU time a passage", 1000 * cpu_s / count, "ms", 1000 * bare_cpu_s / count, 1 / cpu_share),
        row("cores kept busy", cpu_s / wall_s, "", bare_cpu_s / bare_wall_s),
    ]


async def _pair(workshop: Workshop, patina: Patina, embed: Embed, name: str) -> Pair:
    """A package into a collection of its own, then its passages through the bare parts."""
    with Stopwatch() as engine:
        await patina.index_paths([corpus.STDLIB / name], name=name)
    texts = await exported(patina, name)
    with Stopwatch() as bare:
        raw.embed_all(embed, texts, workshop.workers)
    return Pair(len(texts), engine, bare)


async def exported(patina: Patina, *repos: str) -> list[str]:
    """The texts of all passages, or of those in some collections."""
    events = patina.stream(wire.Export(repos=list(repos)))
    return [event.text async for event in events if isinstance(event, wire.ExportedChunk)]
