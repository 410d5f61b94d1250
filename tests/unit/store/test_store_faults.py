"""A disk that is full, fails or lies: the write is refused with a sentence, readers go on, nothing is half there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from patina.errors import Corrupt, PatinaError, StorageFailed, StorageFull
from patina.store import Collection, Entry, Store, Write, writer

Draft = Callable[..., Entry]
FULL, FAILING, READ_ONLY = apsw.FullError, apsw.IOError, apsw.ReadOnlyError


class Disk(apsw.VFS):
    """The real disk, until `trouble` is set: then every write and sync of the files of one kind meets it."""

    def __init__(self) -> None:
        self.name = f"troubled-{id(self)}"
        self.trouble: type[apsw.Error] | None = None
        self.kind = apsw.SQLITE_OPEN_WAL
        self.only: str | None = None
        """What meets the trouble: "read", "write" or "sync"; both of the latter if it is not said."""
        self.after = 0
        """How many more writes and syncs succeed first."""
        self.done: list[str] = []
        self.real = apsw.vfs_names()[0]
        super().__init__(self.name, self.real, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return File(self, name, flags)

    def step(self, what: str, kind: int) -> None:
        if not kind & self.kind or (what == "read" and self.only != "read"):
            return
        self.done.append(what)
        if self.trouble is not None and self.only in {None, what}:
            self.after -= 1
            if self.after < 0:
                raise self.trouble


class File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self.disk = disk
        self.kind = flags[0]
        super().__init__(disk.real, name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self.disk.step("read", self.kind)
        data: bytes = super().xRead(amount, offset)
        return data

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.step("write", self.kind)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self.disk.step("sync", self.kind)
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.fixture
def store(disk: Disk, tmp_path: Path, draft: Draft) -> Iterator[Store]:
    assert disk.name in apsw.vfs_names()
    store = Store.open(tmp_path / "patina.db")
    store.save_collection(Collection(name="papers")).result()
    store.write(Write(collection="papers", puts=[draft("a", "one\ntwo")])).result()
    yield store
    disk.trouble = None
    store.close()


def texts(store: Store) -> list[str]:
    return [chunk.text for chunk in store.iterate("papers")]


@pytest.mark.parametrize(
    ("trouble", "error", "sentence"),
    [
        (FULL, StorageFull, "disk is full"),
        (FAILING, StorageFailed, "disk failed"),
        (READ_ONLY, StorageFailed, "read-only"),
    ],
)
def test_a_refused_write_leaves_nothing_behind_and_the_next_one_goes_on(
    store: Store, disk: Disk, draft: Draft, trouble: type[apsw.Error], error: type[PatinaError], sentence: str
) -> None:
    new = Write(collection="papers", puts=[draft("a", "three"), draft("b", "four")], cursor=("git", "1"))
    head = store.head("papers")
    disk.trouble = trouble
    for _ in range(2):
        with pytest.raises(error, match=sentence) as refusal:
            store.write(new).result()
        assert refusal.value.hint
        assert texts(store) == ["one", "two"]
        assert (store.head("papers"), store.cursor("papers", "git")) == (head, None)
    disk.trouble = None
    store.write(new).result()
    assert texts(store) == ["three", "four"]
    assert store.check(full=True) == []


def test_whichever_write_or_sync_fails_a_document_is_whole(store: Store, disk: Disk, draft: Draft) -> None:
    old, new = "one\ntwo", "two\nthree\nfour"
    for after in range(100):
        disk.trouble, disk.after = FAILING, after
        try:
            store.write(Write(collection="papers", puts=[draft("a", new)])).result()
        except PatinaError:
            disk.trouble = None
            assert "\n".join(texts(store)) == old
            assert store.check(full=True) == []
        else:
            break
    else:
        pytest.fail("the write never succeeded")
    assert after > 2
    assert "\n".join(texts(store)) == new


def test_a_failed_sync_is_forgotten_by_a_reopened_store(disk: Disk, draft: Draft, store: Store, tmp_path: Path) -> None:
    disk.trouble = FAILING
    with pytest.raises(StorageFailed):
        store.write(Write(collection="papers", puts=[draft("b", "never")])).result()
    disk.trouble = None
    store.write(Write(collection="papers", puts=[draft("c", "kept")])).result()
    store.close()
    again = Store.open(tmp_path / "patina.db")
    assert texts(again) == ["one", "two", "kept"]
    assert again.check(full=True) == []
    again.close()


def test_a_refused_write_does_not_come_back_with_a_crash(
    store: Store, disk: Disk, draft: Draft, tmp_path: Path
) -> None:
    disk.trouble, disk.only = FAILING, "sync"
    with pytest.raises(StorageFailed):
        store.write(Write(collection="papers", puts=[draft("b", "never")])).result()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("patina.db", "patina.db-wal"):
        shutil.copy(tmp_path / name, crashed)
    disk.trouble = None
    again = Store.open(crashed / "patina.db")
    assert texts(again) == ["one", "two"]
    again.close()


def test_readings_go_on_while_the_disk_fails_and_after(store: Store, disk: Disk, draft: Draft) -> None:
    disk.trouble = FAILING
    reading = store.iterate("papers")
    assert next(reading).text == "one"
    for _ in range(3):
        with pytest.raises(StorageFailed):
            store.write(Write(collection="papers", puts=[draft("b", "never")])).result()
        assert texts(store) == ["one", "two"]
    disk.trouble = None
    store.write(Write(collection="papers", puts=[draft("b", "three")])).result()
    assert [chunk.text for chunk in reading] == ["two", "three"]


def test_a_disk_that_cannot_be_read_says_so_whoever_asks_and_works_again_later(store: Store, disk: Disk) -> None:
    disk.trouble, disk.kind, disk.only = FAILING, apsw.SQLITE_OPEN_MAIN_DB, "read"
    for ask in (lambda: store.counts("papers"), lambda: store.missing("papers", 1), lambda: texts(store)):
        with pytest.raises(StorageFailed, match="disk failed"):
            ask()
    disk.trouble = None
    assert texts(store) == ["one", "two"]


def test_whichever_read_fails_while_a_reader_is_opened_it_is_a_failing_disk(
    disk: Disk, draft: Draft, tmp_path: Path
) -> None:
    disk.kind, disk.only = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL, "read"
    for after in range(30):
        store = Store.open(tmp_path / f"{after}.db")
        store.save_collection(Collection(name="papers")).result()
        store.write(Write(collection="papers", puts=[draft("a", "one\ntwo")])).result()
        disk.trouble, disk.after = FAILING, after
        failed = False
        try:
            store.missing("papers", 1)
        except StorageFailed:
            failed = True
        disk.trouble = None
        assert texts(store) == ["one", "two"]
        store.close()
        if not failed:
            break
    assert 1 < after < 29, "the first read was hit, every one after it, and then none any more"


def test_a_disk_that_fails_when_the_store_closes_costs_nothing(
    store: Store, disk: Disk, draft: Draft, tmp_path: Path
) -> None:
    disk.trouble = FAILING
    with pytest.raises(StorageFailed):
        store.write(Write(collection="papers", puts=[draft("b", "never")])).result()
    store.close()
    disk.trouble = None
    again = Store.open(tmp_path / "patina.db")
    assert again.recovered is not None
    assert texts(again) == ["one", "two"]
    assert again.check(full=True) == []
    again.close()


def test_a_checkpoint_that_fails_loses_nothing(
    store: Store, disk: Disk, draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 1)
    disk.trouble, disk.kind = FAILING, apsw.SQLITE_OPEN_MAIN_DB
    for name in "bcd":
        store.write(Write(collection="papers", puts=[draft(name, name)])).result()
    store.sweep_vectors().result()
    assert disk.done
    assert texts(store) == ["one", "two", "b", "c", "d"]
    disk.trouble = None
    store.close()
    again = Store.open(tmp_path / "patina.db")
    assert texts(again) == ["one", "two", "b", "c", "d"]
    assert again.check(full=True) == []
    again.close()


def test_an_acknowledged_write_has_been_synced(store: Store, disk: Disk, draft: Draft) -> None:
    disk.done.clear()
    store.write(Write(collection="papers", puts=[draft("b", "three")])).result()
    assert "write" in disk.done
    assert disk.done[-1] == "sync"


def test_one_bad_write_does_not_take_its_neighbours_along(store: Store, draft: Draft) -> None:
    futures = [
        store.write(Write(collection="papers", puts=[draft(name, f"text of {name}")], deletes=gone))
        for name, gone in [("b", []), ("c", ["\udcff"]), ("d", [])]
    ]
    errors = [future.exception() for future in futures]
    assert [error is None for error in errors] == [True, False, True]
    assert list(store.documents("papers")) == ["a", "b", "d"]
    assert store.check(full=True) == []


def test_a_damaged_file_is_reported_as_damage(store: Store, draft: Draft, tmp_path: Path) -> None:
    store.write(Write(collection="papers", puts=[draft(f"{n}", f"text {n}\n" * 50) for n in range(50)])).result()
    store.close()
    path = tmp_path / "patina.db"
    raw = bytearray(path.read_bytes())
    half = len(raw) // 2
    raw[half:] = b"\x99" * (len(raw) - half)
    path.write_bytes(raw)
    damaged = Store.open(path)
    with pytest.raises(Corrupt, match="damaged"):
        list(damaged.iterate("papers"))
    with pytest.raises(Corrupt, match="damaged"):
        damaged.write(Write(collection="papers", puts=[draft("b", "three")])).result()
    assert damaged.check(full=False)
    assert damaged.check(full=True)
    damaged.close()
