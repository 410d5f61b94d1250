"""The file: whose it is, what format it has, and what becomes of it when the store is opened and closed."""

from __future__ import annotations

import re
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from patina.errors import Corrupt, StorageFailed, Unavailable
from patina.store import Collection, Counts, Entry, Store, Write, connection

Draft = Callable[..., Entry]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "patina.db"


def filled(path: Path, draft: Draft) -> Store:
    store = Store.open(path)
    store.save_collection(Collection(name="papers")).result()
    store.write(Write(collection="papers", puts=[draft("a", "one\ntwo")], cursor=("git", "c0ffee"))).result()
    return store


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    database = apsw.Connection(str(path))
    try:
        return list(database.execute(statement))
    finally:
        database.close()


def open_files(folder: Path) -> list[Path]:
    """The files in a folder that this process has open."""
    handles = [handle for handle in Path("/proc/self/fd").iterdir() if handle.is_symlink()]
    return [target for handle in handles if (target := handle.readlink()).is_relative_to(folder)]


def test_what_was_written_is_there_again(path: Path, draft: Draft) -> None:
    filled(path, draft).close()
    store = Store.open(path)
    assert [chunk.text for chunk in store.iterate("papers")] == ["one", "two"]
    assert store.counts("papers") == Counts(documents=1, chunks=2, embedded=0)
    assert store.cursor("papers", "git") == "c0ffee"
    store.close()


def test_only_its_owner_can_read_it(path: Path, draft: Draft) -> None:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o644)
    store = filled(path, draft)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()
    assert modes == {"patina.db": 0o600, "patina.db-wal": 0o600, "patina.db-shm": 0o600}


def test_a_closed_store_is_one_file_and_holds_nothing(path: Path, draft: Draft) -> None:
    threads = threading.active_count()
    store = filled(path, draft)
    readers = [threading.Thread(target=store.counts, args=("papers",)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert open_files(path.parent)
    store.close()
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["patina.db"]
    assert open_files(path.parent) == []
    assert threading.active_count() == threads


def test_a_store_in_memory_touches_no_disk(tmp_path: Path, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open(None)
    store.save_collection(Collection(name="papers")).result()
    store.write(Write(collection="papers", puts=[draft("a", "one")])).result()
    assert store.in_memory
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_not_closed_says_what_it_took_over(path: Path, draft: Draft, tmp_path: Path) -> None:
    store = filled(path, draft)
    assert store.recovered is None
    crashed = tmp_path / "crashed.db"
    shutil.copy(path, crashed)
    log = path.with_name("patina.db-wal").read_bytes()
    store.close()
    torn = b"\0" * 8 + log[16:24] + b"\0" * 1000  # the begin of a page that the last generation never finished
    for tail, told in [(b"", r"\d\d pages were taken over"), (torn, "1016 bytes of a write that never ended")]:
        copy = tmp_path / f"{len(tail)}.db"
        shutil.copy(crashed, copy)
        copy.with_name(f"{copy.name}-wal").write_bytes(log + tail)
        again = Store.open(copy)
        assert re.search(told, again.recovered or "")
        assert [chunk.text for chunk in again.iterate("papers")] == ["one", "two"]
        again.close()
        closed = Store.open(copy)
        assert closed.recovered is None
        closed.close()


@pytest.mark.ordinary
@pytest.mark.parametrize(("folder", "file"), [(0o500, 0o600), (0o700, 0o400), (0o500, 0o400)])
def test_a_read_only_store_is_refused_until_it_may_be_written(path: Path, draft: Draft, folder: int, file: int) -> None:
    filled(path, draft).close()
    path.chmod(file)
    path.parent.chmod(folder)
    try:
        with pytest.raises(StorageFailed, match=r"cannot be (opened|written)") as refusal:
            Store.open(path)
    finally:
        path.parent.chmod(0o700)
    assert refusal.value.hint
    path.chmod(0o600)
    store = Store.open(path)
    assert store.counts("papers").chunks == 2
    store.close()


def test_a_closed_store_says_so(store: Store, draft: Draft) -> None:
    store.close()
    with pytest.raises(Unavailable, match="closed"):
        store.counts("papers")
    with pytest.raises(Unavailable, match="closed"):
        store.write(Write(collection="papers", puts=[draft("a", "one")]))


def test_closing_does_not_wait_for_ever_for_a_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSING_S", 0.5)
    connections = connection.FileConnections(path)
    reading = threading.Event()
    told: list[str] = []

    def read() -> None:
        try:
            with connections.reading() as reader:
                reading.set()
                reader.execute(ENDLESS).fetchall()
        except Unavailable as error:
            told.append(error.message)

    thread = threading.Thread(target=read)
    thread.start()
    reading.wait()
    connections.close()
    thread.join()
    assert len(told) == 1
    assert open_files(path.parent) == []


def test_another_programs_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    query(path, "CREATE TABLE theirs (x)")
    with pytest.raises(Corrupt, match="not a store"):
        Store.open(path)
    assert query(path, "SELECT name FROM sqlite_schema") == [("theirs",)]
    assert query(path, "PRAGMA journal_mode") == [("delete",)]


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but something that somebody wrote " * 100)
    with pytest.raises(Corrupt, match="damaged"):
        Store.open(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_folder_in_its_place_is_one_sentence(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StorageFailed, match="cannot be opened"):
        Store.open(path)
