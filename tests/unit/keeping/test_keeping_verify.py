"""The oracle finds what is wrong, says what repairs it, and that does; where nothing is wrong it is silent."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from patina import Patina, wire
from patina.client import connect
from patina.protocols import Index
from patina.testing import engine
from patina.types import Query, Ranking

HOUSES = ("lamp", "boat", "harbour", "soup", "sailor", "star", "bread", "tide")
NOTES = [
    {"id": f"n{at}", "text": f"{HOUSES[at % 8]} number {at} and the {HOUSES[at // 8 % 8]} of {at * 31 % 17} days"}
    for at in range(120)
]


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home", index="hybrid") as running:
        await running.index("notes", NOTES)
        yield running


async def faults(patina: Patina, *, full: bool = True) -> list[str]:
    return [f"{fault.where}: {fault.what}" for fault in (await patina.handle(wire.Verify(full=full))).faults]


async def plan(patina: Patina) -> list[tuple[str, str, int]]:
    steps = (await patina.handle(wire.PlanRebuild())).steps
    return [(step.repo, step.arm, step.chunks) for step in steps]


async def test_what_is_right_is_said_to_be(patina: Patina) -> None:
    assert await faults(patina) == []
    assert await plan(patina) == []


async def test_it_is_right_after_much_was_replaced_and_deleted(patina: Patina) -> None:
    """Whatever the arms count of what is dead."""
    await patina.index("notes", [{**note, "text": f"{note['text']} again"} for note in NOTES[::2]])
    await patina.handle(wire.Delete(repo="notes", paths=[note["id"] for note in NOTES[1::3]]))
    assert await faults(patina) == []


async def test_it_is_right_while_writes_go_on(patina: Patina) -> None:
    async def write_on() -> None:
        for at in range(12):
            await patina.index("notes", [{"id": f"more{at % 5}", "text": f"boat {at} more"}], wait=False)

    writing = asyncio.create_task(write_on())
    for _ in range(3):
        assert await faults(patina) == []
    await writing


async def test_without_vectors_and_without_anything_there_is_nothing_to_compare(tmp_path: Path) -> None:
    async with engine(tmp_path / "empty", index="hybrid") as patina:
        assert await faults(patina) == []
        assert await plan(patina) == []


@pytest.mark.parametrize("full", [False, True])
async def test_what_an_arm_lacks_and_what_it_should_not_hold_is_found_and_repaired(patina: Patina, full: bool) -> None:
    before = await patina.scry("lamp number 8", limit=20)
    one = patina.rooms.shelf.choose(["notes"])[0]
    ids = sorted(one.index.ids("lexical"))[:3]
    changes = [change for change in patina.rooms.store.changes("notes", 0, 10_000) if change.id in ids]
    one.index.apply(
        [msgspec.structs.replace(change, seq=10_000 + at, op="delete") for at, change in enumerate(changes)]
    )
    found = await faults(patina, full=full)
    assert any(fault.startswith("notes/lexical: The lexical arm lacks 3 chunks") for fault in found), found
    assert any(fault.startswith("notes/dense: The dense arm lacks 3 chunks") for fault in found), found
    assert await plan(patina) == [("notes", "dense", 3), ("notes", "lexical", 3)]
    await patina.handle(wire.Rebuild(repo="notes"))
    assert await faults(patina) == []
    assert await plan(patina) == []
    after = await patina.scry("lamp number 8", limit=20)
    assert [(hit.id, hit.score) for hit in after.hits] == [(hit.id, hit.score) for hit in before.hits]


class Distorted:
    """An index that holds what it should and answers something else."""

    def __init__(self, index: Index, distort: Callable[[Ranking], Ranking]) -> None:
        self._index = index
        self._distort = distort

    def rank(self, query: Query) -> list[Ranking]:
        return [self._distort(ranking) for ranking in self._index.rank(query)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


def without_its_best(arm: str) -> Callable[[Ranking], Ranking]:
    return lambda ranking: Ranking(ranking.arm, ranking.candidates[5:]) if ranking.arm == arm else ranking


def nothing(arm: str) -> Callable[[Ranking], Ranking]:
    return lambda ranking: Ranking(ranking.arm, []) if ranking.arm == arm else ranking


@pytest.mark.parametrize("distort", [without_its_best, nothing])
@pytest.mark.parametrize(("arm", "says"), [("lexical", "unlike an index made anew"), ("dense", "of the nearest")])
async def test_answers_that_are_wrong_are_found_although_every_id_is_there(
    patina: Patina, distort: Callable[[str], Callable[[Ranking], Ranking]], arm: str, says: str
) -> None:
    one = patina.rooms.shelf.choose(["notes"])[0]
    whole, one.index = one.index, Distorted(one.index, distort(arm))
    assert await faults(patina, full=False) == []
    found = await faults(patina)
    one.index = whole
    [fault] = found
    assert fault.startswith(f"notes/{arm}")
    assert says in fault


async def test_another_model_has_to_be_rebuilt_for(patina: Patina) -> None:
    one = patina.rooms.shelf.choose(["notes"])[0]
    assert one.info is not None
    one.info = msgspec.structs.replace(one.info, identity="f" * 64)
    assert ("notes", "dense", 120) in await plan(patina)


async def test_a_file_that_an_earlier_process_left_unfinished_is_told(patina: Patina) -> None:
    left = patina.config.data / "patina.db.unfinished"
    left.write_bytes(b"half")
    assert await faults(patina) == []  # somebody may be writing it
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))
    assert [fault for fault in await faults(patina) if str(left) in fault]
    left.unlink()


# -- counts -----------------------------------------------------------------------------------------------------------


async def test_stats_agree_with_a_direct_count(patina: Patina) -> None:
    await patina.index("notes", [{**note, "text": note["text"].upper()} for note in NOTES[:10]])
    await patina.handle(wire.Delete(repo="notes", paths=["n100", "n101"]))
    await patina.handle(wire.Commit())
    reply = await patina.handle(wire.Stats())
    [stats] = reply.collections
    database = apsw.Connection(str(patina.config.data / "patina.db"), flags=apsw.SQLITE_OPEN_READONLY)

    def counted(query: str) -> Any:
        return database.execute(query).get

    assert stats.documents == counted("SELECT count(*) FROM documents") == 118
    assert stats.chunks == counted("SELECT count(*) FROM chunks")
    assert stats.embedded == counted("SELECT count(*) FROM chunks WHERE embedded")
    assert stats.text_bytes == counted("SELECT sum(length(CAST(text AS BLOB))) FROM texts")
    assert stats.vector_bytes == counted(
        "SELECT sum(length(vector)) FROM vectors WHERE digest IN (SELECT digest FROM chunks)"
    )
    assert stats.log_entries == counted("SELECT count(*) FROM log")
    assert stats.seq == stats.applied == counted("SELECT max(seq) FROM log")
    assert stats.last_commit == counted("SELECT indexed_at FROM collections")
    assert reply.format == counted("PRAGMA user_version")
    assert reply.store_bytes == (patina.config.data / "patina.db").stat().st_size
    assert stats.index["lexical_chunks"] == stats.index["dense_vectors"] == stats.chunks
    dead = stats.index["dense_dead"]
    assert stats.deleted_ratio == pytest.approx(dead / (dead + stats.chunks), abs=1e-6)
    database.close()


async def test_a_commit_is_durable_found_by_words_and_numbered(patina: Patina) -> None:
    async with connect(patina) as client:
        before = (await client.commit()).seq
        await patina.index("notes", [{"id": "zebra", "text": "A zebra."}], wait=False)
        after = (await client.commit()).seq
        assert after > before
        assert [hit.path for hit in (await client.scry("zebra", mode="lexical")).hits] == ["zebra"]


# -- at the start -----------------------------------------------------------------------------------------------------


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_store_that_is_damaged_is_told_by_status_from_the_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with engine(home) as patina:
        await patina.index("notes", NOTES[:5])
    database = apsw.Connection(str(home / "data" / "patina.db"))
    database.pragma("foreign_keys", False)
    database.execute("DELETE FROM texts WHERE key = 1")
    database.close()
    async with engine(home) as patina:
        await until(lambda: bool(patina.rooms.soundness.faults))
        notes = (await patina.handle(wire.Status())).notes
        assert any("have no text" in note for note in notes), notes


async def test_a_store_that_was_not_closed_is_told_by_status(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with engine(home) as patina:
        await patina.index("notes", NOTES[:5])
        files = {path: path.read_bytes() for path in (home / "data").iterdir()}
    for path, raw in files.items():
        path.write_bytes(raw)
    async with engine(home) as patina:
        recovered = (await patina.handle(wire.Status())).recovered
        assert recovered is not None
        assert "not closed properly" in recovered
        assert await faults(patina) == []
