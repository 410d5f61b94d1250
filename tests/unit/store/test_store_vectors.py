"""A text is embedded once for each model, wherever it stands, and what waits for a vector is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from patina.errors import Mismatch
from patina.store import Collection, Counts, Entry, Store, Write
from patina.types import Change

Draft = Callable[..., Entry]
Vector = Callable[[str], bytes]
MODEL = "a" * 64
OTHER_MODEL = "b" * 64


def put(store: Store, *entries: Entry) -> None:
    store.write(Write(collection=entries[0].chunks[0].repo, puts=list(entries))).result()


def embed(store: Store, vector: Vector, collection: str = "papers", model: str = MODEL, limit: int = 1000) -> int:
    """Give what is missing its vectors; how many that were."""
    missing = store.missing(collection, limit)
    if missing:
        store.put_vectors(model, {one.digest: vector(one.text) for one in missing}).result()
    return len(missing)


def texts_missing(store: Store, limit: int = 10, skip: tuple[str, ...] = ()) -> list[str]:
    return [one.text for one in store.missing("papers", limit, skip)]


def op_counts(changes: list[Change]) -> dict[str, int]:
    return {op: sum(change.op == op for change in changes) for op in ("put", "vector", "delete")}


def test_what_waits_is_listed_once_in_the_order_it_came(store: Store, draft: Draft) -> None:
    put(store, draft("b", "two\none\ntwo"))
    put(store, draft("a", "one\nthree\nfour"))
    assert texts_missing(store) == ["two", "one", "three", "four"]
    assert texts_missing(store, limit=2) == ["two", "one"]
    two, one, *_ = (one.digest for one in store.missing("papers", 10))
    assert texts_missing(store, limit=2, skip=(one, two)) == ["three", "four"]
    assert texts_missing(store, limit=0) == []


def test_a_vector_reaches_every_chunk_with_its_text(store: Store, draft: Draft, vector: Vector) -> None:
    store.save_collection(Collection(name="other", identity=MODEL)).result()
    put(store, draft("a", "one\ntwo\none"))
    put(store, draft("a", "one", repo="other"))
    assert embed(store, vector, limit=1) == 1
    assert store.counts("papers") == Counts(documents=1, chunks=3, embedded=2)
    assert store.counts("other") == Counts(documents=1, chunks=1, embedded=1)
    first, second, third = (chunk.id for chunk in store.document_chunks("papers", "a"))
    assert store.embedded("papers") == {first, third}
    assert store.vectors([first, second, third, "unknown"]) == {first: vector("one"), third: vector("one")}
    assert op_counts(store.changes("other", 0, 10)) == {"put": 1, "vector": 1, "delete": 0}
    assert texts_missing(store) == ["two"]


def test_text_that_moves_or_comes_back_costs_nothing(store: Store, draft: Draft, vector: Vector) -> None:
    put(store, draft("a", "one\ntwo"))
    embed(store, vector)
    store.write(Write(collection="papers", deletes=["a"])).result()
    put(store, draft("b", "two\none"))
    assert texts_missing(store) == []
    assert store.counts("papers") == Counts(documents=1, chunks=2, embedded=2)


def test_a_vector_for_nothing_alive_is_kept_for_later(store: Store, draft: Draft, vector: Vector) -> None:
    one = draft("a", "one")
    head = store.head("papers")
    store.put_vectors(MODEL, {one.chunks[0].digest: vector("one")}).result()
    assert store.head("papers") == head
    put(store, one)
    assert store.counts("papers").embedded == 1


def test_a_known_vector_stays(store: Store, draft: Draft, vector: Vector) -> None:
    one = draft("a", "one")
    put(store, one)
    embed(store, vector)
    head = store.head("papers")
    store.put_vectors(MODEL, {one.chunks[0].digest: vector("something else")}).result()
    assert store.head("papers") == head
    assert store.vectors([one.chunks[0].id]) == {one.chunks[0].id: vector("one")}


def test_sweeping_forgets_the_vectors_that_nothing_uses(store: Store, draft: Draft, vector: Vector) -> None:
    put(store, draft("a", "one\ntwo\nthree"))
    embed(store, vector)
    put(store, draft("a", "one"))
    assert store.sweep_vectors().result() == 2
    assert store.counts("papers") == Counts(documents=1, chunks=1, embedded=1)
    put(store, draft("a", "one\ntwo"))
    assert texts_missing(store) == ["two"]
    assert store.check(full=True) == []


def test_another_model_starts_over_and_the_first_can_come_back(store: Store, draft: Draft, vector: Vector) -> None:
    put(store, draft("a", "one\ntwo"))
    embed(store, vector)
    store.save_collection(Collection(name="papers", identity=OTHER_MODEL)).result()
    assert store.counts("papers").embedded == 0
    assert texts_missing(store) == ["one", "two"]
    assert op_counts(store.changes("papers", 0, 100)) == {"put": 2, "vector": 0, "delete": 0}
    assert all(change.vector is None for change in store.changes("papers", 0, 100))
    store.put_vectors(OTHER_MODEL, {store.missing("papers", 1)[0][0]: b"\0" * 8}).result()
    assert store.counts("papers").embedded == 1
    head = store.head("papers")
    store.save_collection(Collection(name="papers", identity=MODEL)).result()
    assert store.counts("papers").embedded == 2
    again = store.changes("papers", head, 10)
    assert [change.vector.tobytes() for change in again if change.vector is not None] == [vector("one"), vector("two")]
    assert store.check(full=True) == []


def test_without_a_model_everything_waits(store: Store, draft: Draft, vector: Vector) -> None:
    store.save_collection(Collection(name="papers")).result()
    put(store, draft("a", "one"))
    assert texts_missing(store) == ["one"]
    store.save_collection(Collection(name="papers", identity=MODEL)).result()
    assert embed(store, vector) == 1
    assert store.counts("papers").embedded == 1


def test_vectors_of_another_length_are_refused(store: Store, draft: Draft, vector: Vector) -> None:
    put(store, draft("a", "one\ntwo"))
    embed(store, vector, limit=1)
    with pytest.raises(Mismatch, match="4 numbers"):
        store.put_vectors(MODEL, {store.missing("papers", 1)[0][0]: b"\0" * 8}).result()
    assert texts_missing(store) == ["two"]
    with pytest.raises(Mismatch):
        store.put_vectors(OTHER_MODEL, {"0" * 32: b"\0" * 8, "1" * 32: b"\0" * 12}).result()
    with pytest.raises(ValueError, match="identity"):
        store.put_vectors("", {"0" * 32: b"\0" * 8})
