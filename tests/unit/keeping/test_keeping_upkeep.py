"""What happens in quiet times: an index is saved without being asked to, and what is gone is forgotten."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from patina import Patina, wire
from patina.ingest import follow
from patina.store import Collection
from patina.testing import engine
from patina.types import Fault, Stamp
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

NOTES = [{"id": f"n{at}", "text": f"lamp {at} of the harbour"} for at in range(40)]
PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "CHECKPOINT_AFTER_S", 0.05)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.02)


def vectors(home: Path) -> int:
    connection = apsw.Connection(str(home / "data" / "patina.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(connection.execute("SELECT count(*) FROM vectors").get)
    finally:
        connection.close()


async def faults(patina: Patina) -> list[Fault]:
    return (await patina.handle(wire.Verify(full=True))).faults


def saved(indexes: Path, copy: Path, record: Collection) -> int:
    """How far an index would be after a crash now."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(next(indexes.iterdir()), copy)
    index = HybridIndex(HybridSettings())
    seq = index.open(copy, Stamp(collection=record.name, identity=record.identity, dimension=record.dimension))
    index.close()
    return seq


async def test_what_nobody_waited_for_need_not_be_indexed_again_after_a_crash(tmp_path: Path) -> None:
    indexes = tmp_path / "home" / "cache" / "indexes"
    async with engine(tmp_path / "home", index="hybrid") as patina:
        await patina.index("notes", NOTES, wait=False)
        [one] = patina.rooms.shelf.all
        await until(lambda: patina.rooms.store.counts("notes").embedded == len(NOTES))
        head = patina.rooms.store.head("notes")
        await until(lambda: one.applied >= head)
        await until(lambda: saved(indexes, tmp_path / "copy", one.record) >= head)


async def test_an_index_older_than_what_is_remembered_of_deletes_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "DELETES_KEPT", 0)
    indexes = tmp_path / "home" / "cache" / "indexes"
    async with engine(tmp_path / "home", index="hybrid") as patina:
        await patina.index("notes", NOTES)
    shutil.copytree(indexes, tmp_path / "older")
    async with engine(tmp_path / "home", index="hybrid") as patina:
        await patina.handle(wire.Delete(repo="notes", paths=[note["id"] for note in NOTES[:30]]))
        store = patina.rooms.store
        await until(lambda: store.swept("notes") > 0)
        await until(lambda: store.sizes("notes").log_deletes <= store.counts("notes").chunks)
    shutil.rmtree(indexes)
    shutil.copytree(tmp_path / "older", indexes)
    async with engine(tmp_path / "home", index="hybrid") as patina:
        await patina.scry("lamp")
        await until(lambda: not patina.rooms.shelf.all[0].replaying)
        assert await faults(patina) == []
        assert len((await patina.scry("lamp", limit=50)).hits) == 10


async def test_vectors_of_texts_that_are_gone_are_kept_for_a_while_and_then_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "VECTORS_KEPT", 5)
    async with engine(tmp_path / "home", index="hybrid") as patina:
        await patina.index("notes", NOTES)
        await patina.handle(wire.Delete(repo="notes", paths=[note["id"] for note in NOTES[:30]]))
        await until(lambda: vectors(tmp_path / "home") == 15)
        again = await patina.index("notes", NOTES[:30])
        assert again.embedded == 25
