"""`check` finds whatever breaks a promise of the store, and nothing in a whole one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from patina.store import Collection, Entry, Store, Write

Draft = Callable[..., Entry]
Vector = Callable[[str], bytes]
MODEL = "a" * 64


@pytest.fixture
def path(tmp_path: Path, draft: Draft, vector: Vector) -> Path:
    """A closed store with two documents, some of whose passages have vectors."""
    path = tmp_path / "patina.db"
    store = Store.open(path)
    store.save_collection(Collection(name="papers", identity=MODEL)).result()
    store.save_collection(Collection(name="other")).result()
    store.write(
        Write(collection="papers", puts=[draft("a", "one\ntwo\none\none", metadata={"team": "x"}), draft("b", "three")])
    ).result()
    missing = store.missing("papers", 2)
    store.put_vectors(MODEL, {one.digest: vector(one.text) for one in missing}).result()
    store.write(Write(collection="papers", puts=[draft("c", "four")])).result()
    store.write(Write(collection="papers", deletes=["c"])).result()
    store.close()
    return path


def checked(path: Path, *, full: bool) -> list[str]:
    store = Store.open(path)
    try:
        faults = store.check(full)
    finally:
        store.close()
    assert all(fault.where and fault.repair for fault in faults)
    return [fault.what for fault in faults]


def test_a_whole_store_has_no_faults(path: Path) -> None:
    assert checked(path, full=False) == []
    assert checked(path, full=True) == []


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("UPDATE chunks SET collection = 2 WHERE key = 1", "another collection"),
        ("DELETE FROM texts WHERE key = 2", "no text"),
        ("UPDATE chunks SET position = 7 WHERE key = 2", "positions"),
        ("UPDATE chunks SET position = 0 WHERE key = 2", "positions"),
        ("DELETE FROM vectors", "wrongly marked"),
        ("UPDATE chunks SET embedded = 1", "wrongly marked"),
        ("UPDATE vectors SET vector = x'00' WHERE key = 1", "length"),
        ("UPDATE collections SET chunks = chunks + 1 WHERE key = 1", "counters"),
        ("UPDATE collections SET documents = 0 WHERE key = 1", "counters"),
        ("DELETE FROM log WHERE op = 'put'", "alive although"),
        ("INSERT INTO log (collection, op, id) SELECT 1, 'delete', id FROM chunks LIMIT 1", "alive although"),
        ("INSERT INTO log (collection, op, id) SELECT 1, 'delete', id FROM chunks WHERE key = 1", "alive although"),
        ("UPDATE chunks SET told = told + 1 WHERE key = 1", "alive although"),
        ("INSERT INTO log (collection, op, id) VALUES (1, 'put', 'gone')", "of chunks that are gone"),
        ("INSERT INTO log (collection, op, id) SELECT collection, op, id FROM log WHERE seq = 1", "twice of one"),
        ("DELETE FROM attributes", "what they say of themselves"),
        ("UPDATE attributes SET value = 'y'", "what they say of themselves"),
        ("DELETE FROM documents WHERE key = 1", "rows of chunks point to rows of documents"),
        ("DELETE FROM collections WHERE name = 'papers'", "point to rows of collections"),
    ],
)
def test_a_broken_promise_is_found(path: Path, damage: str, complaint: str) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("foreign_keys", False)
    connection.execute(damage)
    connection.close()
    assert any(complaint in what for what in checked(path, full=False))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("UPDATE texts SET text = 'One' WHERE key = 1", "texts differ from their digests"),
        ("UPDATE documents SET path = 'z' WHERE key = 2", "ids are not made"),
    ],
)
def test_altered_content_is_found_by_a_full_check(path: Path, damage: str, complaint: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(damage)
    connection.close()
    assert checked(path, full=False) == []
    (what,) = checked(path, full=True)
    assert complaint in what


def test_a_fault_names_examples(path: Path) -> None:
    connection = apsw.Connection(str(path))
    names = [name for (name,) in connection.execute("SELECT id FROM chunks ORDER BY key")]
    connection.execute("UPDATE chunks SET embedded = 0")
    connection.close()
    (what,) = (what for what in checked(path, full=False) if "marked" in what)
    assert what.startswith("4 chunks")
    assert names[0] in what
