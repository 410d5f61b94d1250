"""From a question to its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks import collection, corpus
from benchmarks.process import serving
from benchmarks.stopwatch import Stopwatch, percentiles
from benchmarks.table import Row, figure, row
from benchmarks.workshop import Workshop
from patina import wire
from patina.client import connect
from patina.config import Config
from patina.engine import Patina
from patina.types import Query

TITLE = "From a question to its answer"
ABOUT = """\
Hybrid search, ten hits, the questions of `benchmarks/questions.toml` in turn. The time to embed the question is taken
off and has its own line; what remains is search, and at the doors the way there and back as well. Beside it stand the
two arms of the index alone, asked with the same words and vectors in the same run. Pairs are p50 / p99, and the ratio
compares the p50. The smaller collection is asked first and so pays for what a process learns once, the stems of words.
Its first thousand passages are real; the others, and those of the larger one, are variations with vectors near the
originals' (`benchmarks/collection.py`)."""

SIZES = (2_500, 25_000)
QUICK_SIZES = (40, 100)
ROUNDS = 5
WINDOW = 50
BUILD_POLL_S = 0.2

Ask = Callable[[str], Awaitable[wire.Hits]]


class Times(msgspec.Struct):
    """In milliseconds, a question each."""

    embedding: list[float] = []
    rest: list[float] = []


async def measure(workshop: Workshop) -> list[Row]:
    sizes = QUICK_SIZES if workshop.quick else SIZES
    given = await collection.passages(workshop, max(sizes))
    rows = []
    for size in sizes:
        home = workshop.home(f"search-{size}")
        first = collection.Passages(given.texts[:size], given.vectors[:size])
        await asyncio.to_thread(collection.fill, home, first, workshop.embedder().info)
        rows += await _in_process(workshop, home, size)
        rows += [] if workshop.quick else await _at_doors(workshop, home, size)
    return rows


async def _in_process(workshop: Workshop, home: Path, size: int) -> list[Row]:
    async with workshop.engine(home) as patina:
        await _built(patina)
        arms, arms_cpu_ms = await _asked_arms(workshop, patina)
        with Stopwatch() as watch:
            times = await _asked(workshop, patina.scry)
    what = f"{size:,} passages"
    return [
        _row(f"{what}, in the process", times.rest, arms),
        _row(f"{what}, embedding the question", times.embedding),
        row(f"{what}, CPU time a question, embedded", 1000 * watch.cpu_s / len(times.rest), "ms", arms_cpu_ms),
    ]


async def _at_doors(workshop: Workshop, home: Path, size: int) -> list[Row]:
    rows = []
    with serving(workshop.environment(home)) as daemon:
        for address in daemon.addresses:
            async with connect(address, config=Config(home=home)) as client:
                times = await _asked(workshop, client.scry)
            door = "through the socket" if address.startswith("unix:") else "over HTTP"
            rows.append(_row(f"{size:,} passages, {door}", times.rest))
    return rows


async def _built(patina: Patina) -> None:
    """Wait until the index has followed the whole log and its background work is done."""
    await patina.handle(wire.Verify())
    [shelved] = patina.rooms.shelf.all  # the arms are nobody's to ask but the engine's
    before = None
    while (now := shelved.index.stats()) != before:
        before = now
        await asyncio.sleep(BUILD_POLL_S)


async def _asked(workshop: Workshop, scry: Ask) -> Times:
    """Each question a few times; the first of all warms everything and does not count."""
    questions = corpus.questions()
    times = Times()
    await scry(questions[0])
    for question in questions * workshop.size(ROUNDS, 1):
        started = time.perf_counter()
        hits = await scry(question)
        whole_ms = (time.perf_counter() - started) * 1000
        times.embedding.append(hits.embed_ms)
        times.rest.append(whole_ms - hits.embed_ms)
    return times


async def _asked_arms(workshop: Workshop, patina: Patina) -> tuple[list[float], float]:
    """Milliseconds for both arms and nothing else; and CPU milliseconds a question with its embedding."""
    [shelved] = patina.rooms.shelf.all
    questions = corpus.questions()
    embedder = workshop.embedder()
    embedder.embed(embedder.tokenize(questions[:1], "query"))
    with Stopwatch() as watch:
        vectors = [embedder.embed(embedder.tokenize([text], "query")).vectors[0] for text in questions]
    cpu_ms = 1000 * watch.cpu_s / len(questions)
    asked = [Query(text=text, vector=vector, window=WINDOW) for text, vector in zip(questions, vectors, strict=True)]
    shelved.index.rank(asked[0])
    times = []
    started_cpu = time.process_time()
    for query in asked * workshop.size(ROUNDS, 1):
        started = time.perf_counter()
        shelved.index.rank(query)
        times.append((time.perf_counter() - started) * 1000)
    cpu_ms += (time.process_time() - started_cpu) * 1000 / len(times)
    embedder.close()
    return times, cpu_ms


def _row(what: str, times: Sequence[float], beside: Sequence[float] = ()) -> Row:
    p50, p99 = percentiles(times)
    if not beside:
        return Row(what=what, patina=_pair(p50, p99))
    other50, other99 = percentiles(beside)
    return Row(what=what, patina=_pair(p50, p99), beside=_pair(other50, other99), ratio=figure(p50 / other50, ""))


def _pair(p50: float, p99: float) -> str:
    return f"{figure(p50, '')} / {figure(p99, 'ms')}"
