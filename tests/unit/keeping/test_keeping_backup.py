"""Backups are whole, also of a store that is being written; what is not one is refused, and changes nothing."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import apsw
import pytest

from patina import Patina, wire
from patina.client import connect
from patina.config import Config
from patina.daemon.restore import restore
from patina.errors import Corrupt, InvalidRequest, Locked, PatinaError, StorageFull
from patina.testing import engine

NOTES = [
    {"id": f"n{number}", "text": f"Lamp {number} stands on the sill of house {number % 7}."} for number in range(30)
]


async def backed_up(patina: Patina) -> tuple[bytes, wire.BackupDone]:
    file = io.BytesIO()
    async with connect(patina) as client:
        done = await client.backup(file)
    return file.getvalue(), done


async def answers(patina: Patina) -> list[tuple[str, float]]:
    await patina.handle(wire.Commit())
    return [(hit.id, hit.score) for hit in (await patina.scry("the lamp of house 3", limit=30)).hits]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
async def backup(home: Path, tmp_path: Path) -> Path:
    """Of a home whose store has gone on since."""
    async with engine(home, index="hybrid") as patina:
        await patina.index("notes", NOTES)
        raw, done = await backed_up(patina)
        assert done.size == len(raw)
        await patina.index("notes", [{"id": "later", "text": "A lamp that came later."}])
    file = tmp_path / "patina.backup"
    file.write_bytes(raw)
    return file


async def test_what_is_restored_answers_as_what_was_backed_up(backup: Path, home: Path, tmp_path: Path) -> None:
    async with engine(tmp_path / "other", index="hybrid") as other:
        await other.index("notes", NOTES)
        expected = await answers(other)
    kept = restore(Config(home=home), backup)
    assert kept == home / "data" / "patina.db.before-restore"
    async with engine(home, index="hybrid") as patina:
        assert await answers(patina) == expected
        assert (await patina.handle(wire.Verify(full=True))).faults == []
        assert await patina.rooms.run(patina.rooms.store.missing, "notes", 1) == []  # no vector is made again
    assert restore(Config(home=home), kept) == kept
    async with engine(home, index="hybrid") as patina:
        await patina.handle(wire.Commit())
        assert (await patina.scry("came later", mode="lexical")).hits[0].path == "later"


async def test_a_backup_goes_into_a_home_that_is_new(backup: Path, tmp_path: Path) -> None:
    assert restore(Config(home=tmp_path / "new"), backup) is None
    async with engine(tmp_path / "new", index="hybrid") as patina:
        assert len(await answers(patina)) == 30


async def test_a_backup_is_of_one_moment_while_writes_go_on(home: Path, tmp_path: Path) -> None:
    """A document with its ten passages is in it whole or not at all, and the daemon's copy is gone at the end."""
    text = "\n\n".join(f"## Part {part}\n\n{'many words ' * 100}{part}" for part in range(5))
    async with engine(home) as patina:
        writing = asyncio.create_task(asyncio.wait_for(_write_on(patina, text), timeout=60))
        for number in range(3):
            (tmp_path / f"{number}").write_bytes((await backed_up(patina))[0])
        writing.cancel()
        assert sorted(path.name for path in (home / "data").iterdir() if path.name.startswith("backup")) == []
    for number in range(3):
        restore(Config(home=tmp_path / "copy"), tmp_path / f"{number}")
        async with engine(tmp_path / "copy") as copy:
            assert (await copy.handle(wire.Verify(full=True))).faults == []


async def _write_on(patina: Patina, text: str) -> None:
    for number in count():
        await patina.index(
            "notes", [{"id": f"d{number % 9}.md", "path": "d.md", "text": text + str(number)}], wait=False
        )


async def test_who_stops_listening_leaves_nothing_behind(home: Path) -> None:
    async with engine(home) as patina:
        await patina.index("notes", NOTES)
        async with connect(patina) as client:
            parts = client.stream(wire.Backup())
            await anext(parts)
            await parts.aclose()  # type: ignore[attr-defined]
        assert list((home / "data").glob("backup*")) == []


async def test_a_copy_that_a_killed_process_left_is_told_and_removed_by_the_next(home: Path) -> None:
    abandoned = home / "data" / "backup-x.unfinished"
    abandoned.mkdir(parents=True)
    (abandoned / "patina.db").write_bytes(b"half")
    async with engine(home) as patina:
        [fault] = (await patina.handle(wire.Verify(full=True))).faults
        assert fault.where == str(abandoned)
        await backed_up(patina)
        assert not abandoned.exists()


async def test_nothing_is_restored_under_an_engine(backup: Path, home: Path) -> None:
    async with engine(home) as patina:
        with pytest.raises(Locked):
            restore(Config(home=home), backup)
        await patina.handle(wire.Commit())
        assert (await patina.scry("came later", mode="lexical")).hits[0].path == "later"


def foreign(_: bytes, path: Path) -> bytes:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    return path.read_bytes()


def with_pragma(name: str, value: int) -> Callable[[bytes, Path], bytes]:
    def changed(raw: bytes, path: Path) -> bytes:
        path.write_bytes(raw)
        connection = apsw.Connection(str(path))
        connection.pragma(name, value)
        connection.close()
        return path.read_bytes()

    return changed


def files(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (home / "data").iterdir()}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda _, __: b"", "no backup"),
        (lambda _, __: b"not a database at all" * 100, "no backup"),
        (lambda raw, _: raw[: len(raw) // 2], "damaged or cut short|damaged"),
        (lambda raw, _: raw[:-1], "cut short"),
        (lambda raw, _: raw[:4096] + bytes(8192) + raw[12288:], "damaged"),
        (foreign, "no backup of Patina"),
        (with_pragma("application_id", 7), "no backup of Patina"),
        (with_pragma("user_version", 999), "format 999"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    backup: Path, home: Path, tmp_path: Path, made: Callable[[bytes, Path], bytes], why: str
) -> None:
    before = files(home)
    backup.write_bytes(made(backup.read_bytes(), tmp_path / "made"))
    with pytest.raises(Corrupt, match=why):
        restore(Config(home=home), backup)
    assert files(home) == before
    assert any((home / "cache" / "indexes").iterdir())


async def test_there_must_be_a_file(home: Path) -> None:
    with pytest.raises(InvalidRequest, match="no file"):
        restore(Config(home=home), home / "nothing")


async def test_a_store_that_was_killed_is_kept_with_all_that_it_had(backup: Path, home: Path, tmp_path: Path) -> None:
    """Its last commits are in its log of writes only, which goes into the file that is kept."""
    store = home / "data" / "patina.db"
    log = apsw.Connection(str(store))
    log.pragma("wal_autocheckpoint", 0)
    log.execute("UPDATE documents SET title = 'only in the log' WHERE path = 'later'")
    files = {path.name: path.read_bytes() for path in store.parent.iterdir()}
    log.close()
    for name, raw in files.items():  # as after a kill
        (store.parent / name).write_bytes(raw)
    kept = restore(Config(home=home), backup)
    assert kept is not None
    restore(Config(home=tmp_path / "third"), kept)
    async with engine(tmp_path / "third") as patina:
        assert patina.rooms.store.documents("notes")["later"].title == "only in the log"


async def test_a_copy_that_the_disk_does_not_take_is_an_error_and_gone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, target: Path) -> None:
        target.write_bytes(b"half")
        raise StorageFull("The disk is full.")

    async with engine(home) as patina:
        monkeypatch.setattr(patina.rooms.store, "snapshot", lambda target: full(None, target))
        with pytest.raises(PatinaError, match="full"):
            await backed_up(patina)
        assert list((home / "data").glob("backup*")) == []
