"""The power goes while the script runs, on a real ext4: what was acknowledged is on the disk, nothing is half there.

Every second cut falls exactly when the index has just said that it is saved, and nothing was written since: there a
folder that was not synced would show. The others fall anywhere. The process is stopped and what it was told is read
before the power goes: afterwards a sync that raced with the cut could be told as done.
"""

from __future__ import annotations

import random

import pytest
from tests.torture.part import Part
from tests.torture.power import cut_once, under_way
from tests.torture.zygote import Zygote

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("root")]

CUTS = 20
CHECKPOINTS = 4
"""The cut after a checkpoint falls after one of the first so many."""


def test_a_power_cut_loses_nothing(part: Part, zygote: Zygote) -> None:
    dice = random.Random(part.seed)
    unsynced = 0
    for number in range(CUTS):
        notes = part.folder / f"cut-{number:02}.jsonl"
        after = dice.randint(1, CHECKPOINTS) if number % 2 else None
        verdict = cut_once(part, zygote, notes, seed=dice.randrange(1 << 31), after=after, dice=dice)
        verdict.problems = [f"{notes.name}: {one}" for one in verdict.problems]
        part.verdict.add(verdict)
        unsynced += under_way(notes)
    part.ends(f"{CUTS} power cuts on ext4, {unsynced} writes under way")
