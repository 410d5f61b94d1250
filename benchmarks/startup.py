"""From nothing to the first answer."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from patina.client import connect
from patina.config import Config

from benchmarks import corpus, library
from benchmarks.probe import Found, Lap
from benchmarks.process import probed, python, serving, timed
from benchmarks.table import Row, figure, row
from benchmarks.workshop import Workshop

TITLE = "Start-up to the first answer"
ABOUT = """\
Over the packages of `benchmarks/questions.toml`, indexed before. Cold is a new process with nothing loaded; the files
are in the system's cache. Pairs are wall / CPU time, the least of several. Beside the commands stands an interpreter
that does nothing; the ratio compares CPU time."""

REPEATS = 3


async def measure(workshop: Workshop) -> list[Row]:
    home, _, _ = await library.library(workshop)
    return await asyncio.to_thread(_rows, workshop, home)


def _rows(workshop: Workshop, home: Path) -> list[Row]:
    repeats = workshop.size(REPEATS, 1)
    environment = workshop.environment(home)
    nothing = timed(python("pass"), environment, repeats)
    return [
        *_probed([probed(workshop, home) for _ in range(repeats)]),
        _row("`import patina.client`", timed(python("import patina.client"), environment, repeats), nothing),
        _row("`import patina.engine`", timed(python("import patina.engine"), environment, repeats), nothing),
        *_commands(workshop, home, repeats, nothing),
    ]


def _probed(found: list[Found]) -> list[Row]:
    best = min(found, key=lambda one: one.first_answer.cpu_ms)
    second = Lap(
        best.second_answer.wall_ms - best.first_answer.wall_ms, best.second_answer.cpu_ms - best.first_answer.cpu_ms
    )
    return [
        _row("in one process: everything imported", best.imported),
        _row("in one process: engine open", best.opened),
        _row("in one process: first answer, cold", best.first_answer),
        _row("in one process: second answer, warm", second),
    ]


def _commands(workshop: Workshop, home: Path, repeats: int, nothing: Lap) -> list[Row]:
    """The same from outside: a daemon that is started and asked, and the command that asks it."""
    environment = workshop.environment(home)
    question = corpus.questions()[0]
    command = [sys.executable, "-m", "patina", "scry", question, "--json", *(["--mode", "lexical"] * workshop.quick)]
    alone = timed([*command, "--standalone"], environment, repeats)
    started = time.perf_counter()
    with serving(environment) as addresses:
        ready_ms = (time.perf_counter() - started) * 1000
        if not workshop.quick:
            asyncio.run(_ask(addresses[0], home, question))
        answered_ms = (time.perf_counter() - started) * 1000
        warm = timed(command, environment, repeats)
    return [
        row("`patina serve`: doors open", ready_ms, "ms"),
        row("`patina serve`: first answer, cold", answered_ms, "ms"),
        _row("`patina scry`, daemon warm", warm, nothing),
        _row("`patina scry --standalone`, cold", alone, nothing),
    ]


async def _ask(address: str, home: Path, question: str) -> None:
    async with connect(address, config=Config(home=home)) as client:
        await client.scry(question)


def _row(what: str, lap: Lap, beside: Lap | None = None) -> Row:
    ratio = figure(lap.cpu_ms / beside.cpu_ms, "") if beside else ""
    return Row(what=what, patina=_pair(lap), beside=_pair(beside) if beside else "", ratio=ratio)


def _pair(lap: Lap) -> str:
    return f"{figure(lap.wall_ms, '')} / {figure(lap.cpu_ms, 'ms')}"
