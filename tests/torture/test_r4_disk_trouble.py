"""The disk fails or is full at one call after another: nothing that was not stored is acknowledged, reading goes on,
and writing goes on when the trouble is over.
"""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.torture import disks, jobs
from tests.torture.history import Refused, judged, read
from tests.torture.part import Part
from tests.torture.trouble import TROUBLES, Troubles
from tests.torture.zygote import Zygote

pytestmark = pytest.mark.torture

STRIDE = 19
"""From one call that fails to the next."""
DISK_BYTES, BALLAST_BYTES = 3 << 20, 1 << 20


def test_no_failing_call_loses_anything(part: Part, library: Path, zygotes: list[Zygote]) -> None:
    troubles = Troubles(part, library, STRIDE)
    shares = [TROUBLES[number :: len(zygotes)] for number in range(len(zygotes))]
    with ThreadPoolExecutor(len(zygotes)) as pool:
        list(pool.map(troubles.work, zygotes, shares))
    number = troubles.ended.total()
    restarts = sum(count for (_, ended), count in troubles.ended.items() if ended == jobs.RESTARTED)
    kinds = ", ".join(f"{count} {call}" for call, count in troubles.met.most_common())
    part.ends(f"{number} runs with a failing call ({kinds}; EIO and ENOSPC, once and lasting), {restarts} restarts")
    assert number > 20 * len(TROUBLES)
    full = {ended for trouble, ended in troubles.ended if trouble.error == errno.ENOSPC}
    assert jobs.RESTARTED not in full, "a full disk must heal without a restart"


@pytest.mark.usefixtures("root")
def test_a_full_disk_refuses_and_heals(part: Part, zygote: Zygote) -> None:
    notes = part.folder / "full.jsonl"
    part.notebook("full").close()
    with disks.small(part.scratch / "disk", DISK_BYTES) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(BALLAST_BYTES))
        ended = zygote.run("fill", home=disk / "home", notes=notes, seed=part.seed, ballast=ballast)
        assert ended == 0, f"it ended with {ended}: {part.errors()}"
        assert zygote.run("recover", home=disk / "home", notes=notes) == 0, part.errors()
    part.verdict = judged(read(notes))
    refused = [event.code for event in read(notes) if isinstance(event, Refused)]
    part.ends(f"a disk that was full, {len(refused)} refusals ({', '.join(sorted(set(refused)))}), healed in place")
