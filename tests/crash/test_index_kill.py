"""`kill -9` while files are taken in, embedded and indexed: the next run ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from patina import wire
from patina.testing import engine

pytestmark = pytest.mark.crash

STDLIB = Path(sysconfig.get_path("stdlib"))
PACKAGES = [STDLIB / name for name in ("json", "logging", "http", "email")]
CHILD = """
import asyncio, sys
from patina.testing import engine

async def main(home, *paths):
    async with engine(home, index="hybrid") as patina:
        print("started", flush=True)
        await patina.index_paths(paths, name="stdlib")

asyncio.run(main(*sys.argv[1:]))
"""


async def finished(home: Path) -> tuple[list[str], wire.IndexReport]:
    """Take everything in, verify it, and give the chunks' ids in order."""
    async with engine(home, index="hybrid") as patina:
        [report] = await patina.index_paths(PACKAGES, name="stdlib")
        verdict = await patina.handle(wire.Verify(full=True))
        assert verdict.faults == []
        ids = [event.id async for event in patina.stream(wire.Export()) if isinstance(event, wire.ExportedChunk)]
        hits = await patina.scry("rotate a log file", limit=3)
        assert hits.degraded is None
        assert "logging/handlers.py" in {hit.path for hit in hits.hits}
    return ids, report


def killed_after(home: Path, seconds: float) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), *map(str, PACKAGES)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "started\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    undisturbed, _ = asyncio.run(finished(tmp_path / "undisturbed"))
    assert len(undisturbed) > 200
    for number, seconds in enumerate((0.02, 0.08, 0.15, 0.3, 0.5, 0.8)):
        home = tmp_path / f"killed-{number}"
        killed_after(home, seconds)
        ids, report = asyncio.run(finished(home))
        assert ids == undisturbed
        assert report.failed == []
        assert report.changed == report.removed == 0


def test_many_kills_of_one_home(tmp_path: Path) -> None:
    undisturbed, _ = asyncio.run(finished(tmp_path / "undisturbed"))
    for seconds in (0.05, 0.1, 0.2, 0.4):
        killed_after(tmp_path / "home", seconds)
    ids, _ = asyncio.run(finished(tmp_path / "home"))
    assert ids == undisturbed
