"""The power goes while the script runs, on a real ext4: what was acknowledged is on the disk, nothing is half there.

Every second cut falls exactly when the index has just said that it is saved, and nothing was written since: there a
folder that was not synced would show. The others fall anywhere. The process is stopped and what it was told is read
before the power goes: afterwards a sync that raced with the cut could be told as done.
"""

from __future__ import annotations

import msgspec
import pytest
from tests.torture.part import Part
from tests.torture.planted import planted
from tests.torture.power import cut_often
from tests.torture.zygote import Zygote

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("root")]

CUTS = 20


def test_a_power_cut_loses_nothing(part: Part, zygote: Zygote) -> None:
    under_way = cut_often(part, zygote, CUTS)
    part.ends(f"{CUTS} power cuts on ext4, {under_way} writes under way")


def test_a_store_that_does_not_wait_for_the_disk_is_seen_to_lose(part: Part) -> None:
    """The control: with `synchronous=NORMAL` there must be loss, or the suite is blind."""
    blind = msgspec.structs.replace(part, bug="commit-not-synced")
    with Zygote(part.folder / "errors.txt", planted("commit-not-synced", part.scratch / "source")) as zygote:
        cut_often(blind, zygote, CUTS)
    part.says(f"the control, synchronous=NORMAL, loses: {blind.verdict}")
    assert blind.verdict.lost > 0  # and more: an index that was saved is then ahead of its store
