"""The index lets whoever loads go first, and follows all the same."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import apsw
import pytest

from patina.ingest import follow
from patina.testing import engine

WAIT_S = 30.0
DOCUMENTS = [{"id": str(number), "text": f"Passage number {number}."} for number in range(8)]


@pytest.mark.parametrize("longest_rest_s", [0.1, 1.0])
async def test_a_store_that_stays_crowded_delays_the_index_and_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest_rest_s: float
) -> None:
    monkeypatch.setattr(follow, "CHANGES_AT_ONCE", 2)
    monkeypatch.setattr(follow, "LONGEST_REST_S", longest_rest_s)
    opened, reached = threading.Event(), threading.Event()

    def hold(_connection: apsw.Connection) -> int:
        reached.set()
        return int(opened.wait(WAIT_S))

    async with engine(tmp_path / "home", index="hybrid") as running:
        await running.index("notes", DOCUMENTS)
        [shelved] = running.rooms.shelf.all
        shelved.index.drop()
        shelved.applied = 0
        store = running.rooms.store
        held = store._writer.submit(hold, chunks=store.settings.batch_chunks + 1, hurry=True)
        try:
            assert await asyncio.to_thread(reached.wait, WAIT_S)
            assert store.crowded
            running.rooms.indexing._followers["notes"].wake()
            async with asyncio.timeout(WAIT_S):
                while shelved.applied < store.head("notes"):
                    await asyncio.sleep(0.01)
        finally:
            opened.set()
        assert await asyncio.wrap_future(held)
