"""A text that the model refuses is counted and kept with its reason, and does not come back by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from patina.errors import NotFound
from patina.identity import digest
from patina.store import Collection, Counts, Entry, Store, Write

Draft = Callable[..., Entry]
Vector = Callable[[str], bytes]
MODEL = "a" * 64


def of(text: str) -> str:
    return digest(text.encode())


@pytest.fixture
def refused(store: Store, draft: Draft) -> Store:
    """Three texts, one of them twice; two of the texts are refused."""
    store.write(Write(collection="papers", puts=[draft("a", "one\ntwo"), draft("b", "two\nthree")])).result()
    store.note_failures("papers", {of("two"): "too odd", of("three"): "no tokens"}).result()
    return store


def waiting(store: Store, collection: str = "papers") -> list[str]:
    return [one.text for one in store.missing(collection, 10)]


def test_refused_texts_are_counted_and_no_longer_missing(refused: Store) -> None:
    assert waiting(refused) == ["one"]
    assert refused.counts("papers") == Counts(documents=2, chunks=4, embedded=0, failed=3)
    failures = {one.digest: (one.reason, one.attempts, one.path) for one in refused.failures("papers", 10)}
    assert failures.keys() == {of("two"), of("three")}
    assert failures[of("three")] == ("no tokens", 1, "b")
    ids = [one.id for one in refused.failures("papers", 10)]
    assert {chunk.text for chunk in refused.chunks(ids).values()} == {"two", "three"}
    assert len(refused.failures("papers", 1)) == 1


def test_they_are_tried_again_when_asked_for_and_attempts_add_up(refused: Store) -> None:
    assert refused.forget_failures("papers").result() == 2
    assert waiting(refused) == ["one", "two", "three"]
    assert refused.counts("papers").failed == 0
    assert refused.failures("papers", 10) == []
    assert refused.forget_failures("papers").result() == 0
    refused.note_failures("papers", {of("two"): "still odd"}).result()
    assert [(one.reason, one.attempts) for one in refused.failures("papers", 10)] == [("still odd", 2)]
    assert waiting(refused) == ["one", "three"]


def test_a_vector_ends_a_failure(refused: Store, vector: Vector) -> None:
    refused.put_vectors(MODEL, {of("two"): vector("two")}).result()
    assert refused.counts("papers") == Counts(documents=2, chunks=4, embedded=2, failed=1)
    assert [one.reason for one in refused.failures("papers", 10)] == ["no tokens"]


def test_a_text_that_left_is_not_counted_and_one_that_comes_back_is_not_tried(refused: Store, draft: Draft) -> None:
    refused.write(Write(collection="papers", deletes=["b"])).result()
    assert refused.counts("papers").failed == 1
    assert [one.reason for one in refused.failures("papers", 10)] == ["too odd"]
    refused.write(Write(collection="papers", puts=[draft("c", "three")])).result()
    assert waiting(refused) == ["one"]


def test_another_model_starts_anew(refused: Store) -> None:
    refused.save_collection(Collection(name="papers", identity="b" * 64)).result()
    assert waiting(refused) == ["one", "two", "three"]
    assert refused.counts("papers").failed == 0


def test_failures_are_their_collections_own(refused: Store, draft: Draft) -> None:
    refused.save_collection(Collection(name="notes", identity=MODEL)).result()
    refused.write(Write(collection="notes", puts=[draft("a", "two", repo="notes")])).result()
    assert waiting(refused, "notes") == ["two"]
    assert refused.counts("notes").failed == 0
    with pytest.raises(NotFound):
        refused.note_failures("nothing", {of("two"): "too odd"}).result()
    refused.drop_collection("papers").result()
    assert refused.check(full=True) == []
