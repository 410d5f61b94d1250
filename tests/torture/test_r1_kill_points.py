"""The process is killed at every call that makes something durable, once at each, through a chapter of the script.

It writes, replaces and removes documents, adds vectors, seals, merges, checkpoints, drops a collection and restarts.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.torture.faults import Fault
from tests.torture.kills import Kills, Migration
from tests.torture.part import Part
from tests.torture.script import CHAPTER
from tests.torture.zygote import PROJECT, Zygote

pytestmark = pytest.mark.torture

RESUMED_EVERY = 3
"""Of so many kills one is followed by the rest of the script."""
MAX_RECOVERY_S = 10.0
TRACED = "fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat"


def test_a_kill_at_every_sync_point_loses_nothing(part: Part, library: Path, zygotes: list[Zygote]) -> None:
    kills = Kills(part, zygotes[0], Fault(library=str(library)), RESUMED_EVERY)
    with ThreadPoolExecutor(len(zygotes)) as pool:
        list(pool.map(kills.work, zygotes))
    assert kills.merged
    calls = Counter(one.split()[1] for one in kills.met)
    assert len(kills.met) > 200
    assert {"fsync", "fdatasync", "rename", "unlink", "ftruncate", "link"} <= calls.keys()
    kinds = ", ".join(f"{count} {call}" for call, count in calls.most_common())
    part.ends(f"{len(kills.met)} kills, at every sync point ({kinds}), recovered in at most {kills.slowest_s:.2f} s")
    assert kills.slowest_s < MAX_RECOVERY_S


def test_a_kill_at_every_call_of_a_migration_loses_nothing(part: Part, library: Path, zygote: Zygote) -> None:
    migration = Migration(part, library, zygote)
    migration.kill_at_every_call()
    part.ends(f"{len(migration.met)} kills, at every sync point and write of a migration from format 1")
    assert len(migration.met) > 10


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is needed (Debian: strace)")
def test_no_sync_point_escapes_the_count(part: Part, library: Path) -> None:
    """What the kernel sees (strace) is what was counted, in the same run."""
    trace = part.folder / "strace.txt"
    home, notes = part.scratch / "traced", part.folder / "traced.jsonl"
    code = """
import pathlib, sys
from tests.torture import faults, jobs
folder, notes, seed, count, library = sys.argv[1:]
armed = faults.Armed(pathlib.Path(folder), faults.Fault(library=library), 2)
jobs.write(folder, notes, int(seed), int(count))
print(armed.calls)
"""
    strace = ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={TRACED}"]
    script = [sys.executable, "-c", code, str(home), str(notes), str(part.seed), str(CHAPTER), str(library)]
    done = subprocess.run([*strace, *script], capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    resumed = "resumed>"  # the second half of a line that another thread's line has cut in two
    lines = [line for line in trace.read_text().splitlines() if str(home) in line and resumed not in line]
    assert len(lines) == 2 * int(done.stdout)  # each was handed back by the kernel once, and then let through
    part.says(f"{done.stdout.strip()} sync points counted, the kernel has seen the same")
