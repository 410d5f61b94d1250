"""From nothing to the first answer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks import corpus, library
from benchmarks.probe import Found, Lap
from benchmarks.process import least, probed, python, serving, timed
from benchmarks.table import Row, figure
from benchmarks.workshop import Workshop
from patina.client import connect
from patina.config import Config

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
    second = [
        Lap(one.second_answer.wall_ms - one.first_answer.wall_ms, one.second_answer.cpu_ms - one.first_answer.cpu_ms)
        for one in found
    ]
    return [
        _row("in one process: everything imported", least([one.imported for one in found])),
        _row("in one process: engine open", least([one.opened for one in found])),
        _row("in one process: first answer, cold", least([one.first_answer for one in found])),
        _row("in one process: second answer, warm", least(second)),
    ]


def _commands(workshop: Workshop, home: Path, repeats: int, nothing: Lap) -> list[Row]:
    """The same from outside: a daemon that is started and asked, and the command that asks it."""
    environment = workshop.environment(home)
    question = corpus.questions()[0]
    command = [sys.executable, "-m", "patina", "scry", question, "--json", *(["--mode", "lexical"] * workshop.quick)]
    alone = timed([*command, "--standalone"], environment, repeats)
    ready, answered, warm = [], [], []
    for _ in range(repeats):
        with serving(environment) as daemon:
            ready.append(daemon.ready)
            asyncio.run(_ask(daemon.addresses[0], home, question, "lexical" if workshop.quick else "hybrid"))
            answered.append(daemon.lap())
            warm.append(timed(command, environment, repeats))
    return [
        _row("`patina serve`: doors open", least(ready), nothing),
        _row("`patina serve`: first answer, cold", least(answered), nothing),
        _row("`patina scry`, daemon warm", least(warm), nothing),
        _row("`patina scry --standalone`, cold", alone, nothing),
    ]


async def _ask(address: str, home: Path, question: str, mode: str) -> None:
    async with connect(address, config=Config(home=home)) as client:
        await client.scry(question, mode=mode)


def _row(what: str, lap: Lap, beside: Lap | None = None) -> Row:
    ratio = figure(lap.cpu_ms / beside.cpu_ms, "") if beside else ""
    return Row(what=what, patina=_pair(lap), beside=_pair(beside) if beside else "", ratio=ratio)


def _pair(lap: Lap) -> str:
    return f"{figure(lap.wall_ms, '')} / {figure(lap.cpu_ms, 'ms')}"
