"""Formats: a newer one is refused, an older one is brought up to date after a copy was laid aside."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import apsw
import pytest

from patina.errors import Corrupt, Failed
from patina.store import Counts, Entry, JobRecord, Store, Write, schema
from patina.wire import Filter

Draft = Callable[..., Entry]
FORMAT_1 = Path(__file__).parent / "resources" / "format-1.sql"
SHAPE = """
    SELECT tables.name, columns.cid, columns.name, columns.type, columns."notnull", columns.dflt_value, columns.pk
    FROM pragma_table_list AS tables, pragma_table_xinfo(tables.name) AS columns
    WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite_%'
    ORDER BY 1, 2
"""
REST = "SELECT type, name, sql FROM sqlite_schema WHERE type <> 'table' ORDER BY 1, 2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patina.db"


@pytest.fixture
def old(path: Path) -> Path:
    """A store as format 1 left it."""
    query(path, FORMAT_1.read_text())
    query(path, "PRAGMA journal_mode = wal")
    return path


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    database = apsw.Connection(str(path))
    try:
        return list(database.execute(statement))
    finally:
        database.close()


def test_a_newer_format_is_refused_with_the_next_step(path: Path) -> None:
    Store.open(path).close()
    query(path, "PRAGMA user_version = 99")
    with pytest.raises(Corrupt, match=r"99.*newer") as refusal:
        Store.open(path)
    assert "Install the newer Patina" in refusal.value.hint
    assert query(path, "PRAGMA user_version") == [(99,)]


def test_an_older_format_that_is_no_longer_read_is_refused(old: Path) -> None:
    query(old, "PRAGMA user_version = 0")
    with pytest.raises(Corrupt, match="format 0"):
        Store.open(old)


def test_the_first_format_is_brought_up_to_date_and_nothing_is_lost(old: Path, draft: Draft) -> None:
    store = Store.open(old)
    assert store.check(full=True) == []
    assert [chunk.text for chunk in store.iterate("papers")] == ["one", "two", "three", "five"]
    assert store.counts("papers") == Counts(documents=2, chunks=4, embedded=2)
    assert store.cursor("papers", "git") == "c0ffee"
    told = [(change.seq, change.op) for change in store.changes("papers", 0, 20)]
    assert told == [
        *[(1, "put"), (2, "put"), (3, "put"), (5, "vector"), (6, "vector")],
        *[(7, "delete"), (8, "put"), (10, "delete")],
    ]
    store.write(Write(collection="papers", puts=[draft("b", "three\nsix", title="b")])).result()
    assert [change.op for change in store.changes("papers", 10, 1)] == ["delete", "put"]
    assert len(store.select("papers", Filter(metadata={"team": "x"}))) == 2
    assert store.add_job(JobRecord(kind="index")).result() == 1
    assert store.check(full=True) == []
    store.close()


def test_a_copy_of_the_older_format_stays(old: Path) -> None:
    Store.open(old).close()
    copy = old.with_name("patina.db.format-1")
    assert query(old, "PRAGMA user_version") == [(schema.FORMAT,)]
    assert query(copy, "PRAGMA user_version") == [(1,)]
    assert query(copy, "SELECT count(*) FROM chunks") == [(4,)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.unlink()
    Store.open(old).close()
    assert not copy.exists()


def test_a_file_brought_up_to_date_has_the_shape_of_a_new_one(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    Store.open(new).close()
    Store.open(old).close()
    assert query(old, SHAPE) == query(new, SHAPE)
    assert query(old, REST) == query(new, REST)


def test_a_migration_that_fails_leaves_the_old_format(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {1: schema.MIGRATIONS[1] + "DROP TABLE nowhere"}
    monkeypatch.setattr(schema, "MIGRATIONS", MappingProxyType(broken))
    before = query(old, SHAPE)
    with pytest.raises(Failed, match="nowhere"):
        Store.open(old)
    assert query(old, SHAPE) == before
    assert query(old, "PRAGMA user_version") == [(1,)]
    monkeypatch.undo()
    store = Store.open(old)
    assert store.check(full=True) == []
    store.close()
