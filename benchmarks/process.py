"""Patina as a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.probe import Found, Lap
from benchmarks.workshop import PROJECT, Workshop

TIMEOUT_S = 600
DOORS = 2
_LISTENING = "Listening on "
_CPU_FIELDS = slice(11, 13)  # of /proc/PID/stat, behind the name: ticks in user and in system mode


class Daemon:
    """One in the foreground, ready, started by `serving`."""

    def __init__(self, process: subprocess.Popen[str], started: float) -> None:
        self._pid = process.pid
        self._started = started
        lines = [process.stdout.readline() for _ in range(DOORS)] if process.stdout else []
        self.addresses = sorted((line.removeprefix(_LISTENING).strip() for line in lines), reverse=True)
        """The socket, then HTTP."""
        self.ready = self.lap()

    def lap(self) -> Lap:
        """Since it was started."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = sum(map(int, fields[_CPU_FIELDS]))
        return Lap((time.perf_counter() - self._started) * 1000, ticks * 1000 / os.sysconf("SC_CLK_TCK"))


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Daemon]:
    """`patina serve`, told to end on the way out."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "patina", "serve"],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
    ) as process:
        try:
            yield Daemon(process, started)
        finally:
            process.terminate()


def timed(command: Sequence[str], environment: Mapping[str, str], repeats: int) -> Lap:
    """From the start of a command to its end, the least of several."""
    return least([_once(command, environment) for _ in range(repeats)])


def least(laps: Sequence[Lap]) -> Lap:
    return Lap(min(lap.wall_ms for lap in laps), min(lap.cpu_ms for lap in laps))


def _once(command: Sequence[str], environment: Mapping[str, str]) -> Lap:
    wall, cpu = time.perf_counter(), _children_s()
    subprocess.run(command, env=dict(environment), cwd="/", capture_output=True, check=True, timeout=TIMEOUT_S)
    return Lap((time.perf_counter() - wall) * 1000, (_children_s() - cpu) * 1000)


def _children_s() -> float:
    """CPU of the child processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def probed(workshop: Workshop, home: Path) -> Found:
    """What a new process finds that opens a home and asks it a few questions."""
    command = [sys.executable, "-m", "benchmarks.probe", str(home), *(["--quick"] * workshop.quick)]
    search = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": search, "PATINA_MODEL_CACHE": str(workshop.models)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S)
    return msgspec.json.decode(done.stdout, type=Found)
