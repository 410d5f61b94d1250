"""The daemon is killed again and again under four writers and four readers, at both doors.

Half of the writes are acknowledged when they are durable, half when they are written.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from tests.torture.daemon import Daemon
from tests.torture.history import Cut, Refused, judged, read
from tests.torture.part import Part
from tests.torture.storm import Storm, library

pytestmark = pytest.mark.torture

KILLS = 25
EARLIEST_S, LATEST_S = 0.15, 0.9


async def test_a_killed_daemon_loses_nothing(part: Part) -> None:
    dice = random.Random(part.seed)
    notebook = part.notebook("storm")
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as short:  # a socket's path has at most 107 bytes
        daemon = Daemon(Path(short), part.folder / "daemon.txt")
        storm = Storm(daemon, await library(part.seed, part.scratch / "reference"), notebook, dice)
        try:
            daemon.start()
            await storm.begin()
            for _ in range(KILLS):
                await storm.blow(dice.uniform(EARLIEST_S, LATEST_S))
                notebook.note(Cut(how="SIGKILL"))
                daemon.start()
                notebook.note(await storm.look())
            assert daemon.stop() == 0
        finally:
            daemon.kill()
    events = read(notebook.path)
    part.verdict = judged(events)
    refused = sum(isinstance(event, Refused) for event in events)
    codes = ", ".join(f"{count} {code}" for code, count in storm.codes.most_common())
    part.ends(
        f"{KILLS} kills of a daemon under 4 writers and 4 readers at both doors, {storm.answers} answers, "
        f"{refused} writes cut off ({codes})"
    )
    assert storm.strange == []
    assert set(storm.codes) <= {"unavailable"}, storm.failures
