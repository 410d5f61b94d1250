"""What a process of its own finds about itself, as JSON: run as `python -m benchmarks.probe HOME [--quick]`."""

from __future__ import annotations

import time


def _rss_mib() -> float:
    with open("/proc/self/status") as file:  # noqa: PTH123 - pathlib is not loaded yet, and is not to be counted
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


STARTED = time.perf_counter()
BARE_MIB = _rss_mib()

import asyncio  # noqa: E402 - the clock starts before anything else is imported
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import msgspec  # noqa: E402

from benchmarks import corpus  # noqa: E402

SEARCHES = 5


class Lap(msgspec.Struct, frozen=True):
    """Milliseconds so far: on the wall's clock, and of CPU in all threads."""

    wall_ms: float
    cpu_ms: float


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Laps are from the start on, memory is resident MiB."""

    imported: Lap
    opened: Lap
    first_answer: Lap
    second_answer: Lap
    bare_mib: float
    """Before anything is imported."""
    opened_mib: float
    answered_mib: float
    """With the model loaded, after a few searches."""


async def look(home: Path, *, quick: bool) -> Found:
    from benchmarks.workshop import Workshop

    imported = _lap()
    first, second, *others = corpus.questions()
    async with Workshop(home.parent, quick=quick).engine(home) as patina:
        opened, opened_mib = _lap(), _rss_mib()
        await patina.scry(first)
        first_answer = _lap()
        await patina.scry(second)
        second_answer = _lap()
        for question in others[:SEARCHES]:
            await patina.scry(question)
        return Found(
            imported=imported,
            opened=opened,
            first_answer=first_answer,
            second_answer=second_answer,
            bare_mib=BARE_MIB,
            opened_mib=opened_mib,
            answered_mib=_rss_mib(),
        )


def _lap() -> Lap:
    return Lap((time.perf_counter() - STARTED) * 1000, time.process_time() * 1000)


if __name__ == "__main__":
    found = asyncio.run(look(Path(sys.argv[1]), quick="--quick" in sys.argv))
    sys.stdout.buffer.write(msgspec.json.encode(found))
