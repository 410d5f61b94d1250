"""Power cuts, one at a time: the script on a disk of its own, the cut, the next start, and the verdict."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from tests.torture import disks
from tests.torture.history import Asked, Cut, Verdict, judged, read
from tests.torture.part import Part
from tests.torture.zygote import Zygote

EARLIEST_S, LATEST_S = 0.1, 0.6
CHECKPOINTS = 4
"""The cut after a checkpoint falls after one of the first so many."""


def cut_often(part: Part, zygote: Zygote, cuts: int) -> int:
    """Cut the power so many times, or until a fault is found; returns how many writes were under way.

    Every second cut falls right after an acknowledged checkpoint, the others anywhere.
    """
    dice = random.Random(part.seed)
    open_writes = 0
    for number in range(cuts):
        notes = part.folder / f"cut-{number:02}.jsonl"
        after = dice.randint(1, CHECKPOINTS) if number % 2 else None
        verdict = _cut_once(part, zygote, notes, seed=dice.randrange(1 << 31), after=after, dice=dice)
        verdict.problems = [f"{notes.name}: {one}" for one in verdict.problems]
        part.verdict.add(verdict)
        open_writes += _under_way(notes)
        if not part.verdict.good:
            break
    return open_writes


def _cut_once(part: Part, zygote: Zygote, notes: Path, seed: int, after: int | None, dice: random.Random) -> Verdict:
    """Let the script run on a new disk, cut the power, start again, and judge."""
    notebook = part.notebook(notes.stem)
    folder = part.scratch / notes.stem
    folder.mkdir()
    with disks.disk(folder) as disk:
        home = disk.at / "home"
        child = zygote.start("write", home=home, notes=notes, seed=seed, stop_after=after)
        if after is None:
            time.sleep(dice.uniform(EARLIEST_S, LATEST_S))
            os.kill(child.pid, signal.SIGSTOP)
        assert child.stopped(), f"the script ended with {child.ended()} by itself"
        notebook.note(Cut(how="power", where=f"after {after} checkpoints" if after else ""))
        disk.cut()
        os.kill(child.pid, signal.SIGKILL)
        child.ended()
        disk.unmount()
        disk.mount()
        ended = zygote.run("recover", home=home, notes=notes, seed=seed)
    notebook.close()
    verdict = judged(read(notes))
    if ended != 0:
        verdict.complain(f"the next start ended with {ended}: {part.errors()}")
    return verdict


def _under_way(notes: Path) -> int:
    """How many writes had been asked for and not been answered when the power went."""
    open_ = set()
    for event in read(notes):
        if isinstance(event, Asked):
            open_.add(event.op)
        elif isinstance(event, Cut):
            return len(open_)
        elif hasattr(event, "op"):
            open_.discard(event.op)
    return 0
