"""An index is never ahead of its store: what it has saved, the store has on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from patina import wire
from patina.client import connect
from patina.testing import engine

HOME = "home"


def documents(*names: str) -> list[wire.InputDocument]:
    return [wire.InputDocument(path=name, text=f"The passage {name}.") for name in names]


async def test_the_store_is_on_the_disk_before_the_index_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float | None] = []
    async with engine(tmp_path / HOME, index="hybrid") as running, connect(running) as client:
        await client.handle(wire.Index(repo="notes", documents=documents("a")))
        connections = running.rooms.store._connections
        [shelved] = running.rooms.shelf.all
        save = shelved.index.checkpoint

        def noting() -> int:
            seen.append(connections.unsynced_since)
            return save()

        monkeypatch.setattr(shelved.index, "checkpoint", noting)
        for name in "bcd":
            await client.handle(wire.Index(repo="notes", documents=documents(name), ack="written"))
            await running.rooms.indexing._followers["notes"].settle(embedded=False)
        await client.handle(wire.Index(repo="notes", documents=documents("e"), ack="written"))
    assert len(seen) >= 4
    assert set(seen) == {None}


async def test_an_index_that_is_ahead_of_its_store_starts_over(tmp_path: Path) -> None:
    """As after a power cut on a disk that lied: the store is of yesterday, the index of today."""
    home = tmp_path / HOME
    async with engine(home, index="hybrid") as running, connect(running) as client:
        await client.handle(wire.Index(repo="notes", documents=documents("a")))
    shutil.copytree(home / "data", tmp_path / "yesterday")
    async with engine(home, index="hybrid") as running, connect(running) as client:
        await client.handle(wire.Index(repo="notes", documents=documents("b", "c")))
    shutil.rmtree(home / "data")
    (tmp_path / "yesterday").rename(home / "data")
    async with engine(home, index="hybrid") as running, connect(running) as client:
        await client.handle(wire.Index(repo="notes", documents=documents("d", "e")))
        report = await client.verify(full=True)
        assert report.faults == []
        hits = await client.scry("passage d")
        assert {hit.path for hit in hits.hits} == {"a", "d", "e"}
