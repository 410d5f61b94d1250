"""Six bugs, each planted into a copy of the source: the part that is to see such a bug sees it."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from tests.torture.faults import Calls, Fault
from tests.torture.history import judged, read
from tests.torture.kills import Kills
from tests.torture.part import Part
from tests.torture.planted import planted
from tests.torture.power import cut_often
from tests.torture.spoil import Spoils
from tests.torture.trouble import TROUBLES, Troubles
from tests.torture.zygote import Zygote

pytestmark = pytest.mark.torture

LOG, DENSE = "patina.db-wal", "indexes/papers/dense"
"""Where kills and failures are aimed at."""
NEVER = 1 << 30
STRIDE = 3
CUTS = 20
FILES = 40
STORIES, STEPS, ROUNDS = 40, 25, 8


def kill_at_commits(part: Part, library: Path, zygote: Zygote) -> None:
    """At the writes too: what has been written survives its process."""
    Kills(part, zygote, Fault(library=str(library), below=LOG, kinds=int(Calls.ALL)), NEVER).work(zygote)


def kill_at_checkpoints(part: Part, library: Path, zygote: Zygote) -> None:
    Kills(part, zygote, Fault(library=str(library), below=DENSE), NEVER).work(zygote)


def cut(part: Part, _library: Path, zygote: Zygote) -> None:
    cut_often(part, zygote, CUTS)


def fail(part: Part, library: Path, zygote: Zygote) -> None:
    Troubles(part, library, STRIDE, LOG).work(zygote, TROUBLES[:1])


def spoil(part: Part, _library: Path, zygote: Zygote) -> None:
    spoils = Spoils(part, zygote)
    spoils.work(zygote, list(islice(spoils.cases(random.Random(part.seed)), FILES)))


def play(part: Part, _library: Path, zygote: Zygote) -> None:
    """Stories are told at random: now and then none of a round comes upon it."""
    for number in range(ROUNDS):
        homes, notes = part.scratch / f"homes-{number}", part.folder / f"round-{number}"
        notes.mkdir()
        fields = {"folder": homes, "notes": notes, "seed": part.seed + number}
        zygote.run("play", **fields, examples=STORIES, steps=STEPS, bug=part.bug)
        for story in notes.glob("story-*.jsonl"):
            part.verdict.add(judged(read(story)))
        if not part.verdict.good:
            break


BUGS: dict[str, tuple[str, Callable[[Part, Path, Zygote], None]]] = {
    "acknowledged-before-the-commit": ("R1", kill_at_commits),
    "removed-before-the-manifest": ("R1", kill_at_checkpoints),
    "folder-not-synced": ("R3", cut),
    "disk-error-swallowed": ("R4", fail),
    "checksum-not-compared": ("R5", spoil),
    "replayed-into-duplicates": ("R6", play),
}


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(part: Part, library: Path, bug: str) -> None:
    name, look_for_it = BUGS[bug]
    part.bug = bug
    with Zygote(part.folder / "errors.txt", planted(bug, part.scratch / "source")) as zygote:
        look_for_it(part, library, zygote)
    assert not part.verdict.good, f"{name} has not seen {bug}"
    part.says(f"{bug}, caught by {name}: {part.verdict}")
