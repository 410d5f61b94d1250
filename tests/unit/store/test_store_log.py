"""Whoever follows the log, from wherever, ends with what is alive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from patina.store import Collection, Entry, Store, Write, log, vectors
from patina.types import Seq

Draft = Callable[..., Entry]


class Follower:
    """An index reduced to what it is told: texts by id, and whose vector it has."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.vectors: dict[str, bytes] = {}
        self.at: Seq = 0

    def follow(self, store: Store, collection: str = "papers", page: int = 3) -> None:
        while changes := store.changes(collection, self.at, page):
            for change in changes:
                if change.op != "vector":
                    self.texts.pop(change.id, None)
                    self.vectors.pop(change.id, None)
                if change.op == "put":
                    self.texts[change.id] = change.text
                if change.vector is not None:
                    assert change.id in self.texts
                    self.vectors[change.id] = change.vector.tobytes()
                self.at = change.seq

    def agrees(self, store: Store, collection: str = "papers") -> bool:
        alive = {chunk.id: chunk.text for chunk in store.iterate(collection)}
        return (self.texts, self.vectors, self.at) == (alive, store.vectors(list(alive)), store.head(collection))


def put(store: Store, *entries: Entry) -> Seq:
    return store.write(Write(collection=entries[0].chunks[0].repo, puts=list(entries))).result()


def test_every_change_has_a_place_in_order(store: Store, draft: Draft, vector: Callable[[str], bytes]) -> None:
    one = draft("a", "one\ntwo")
    put(store, one)
    first, second = one.chunks
    store.put_vectors("a" * 64, {first.digest: vector("one")}).result()
    store.write(Write(collection="papers", deletes=["a"])).result()
    put(store, draft("a", "one"))
    told = [(change.seq, change.op, change.id) for change in store.changes("papers", 0, 100)]
    assert told == [(4, "delete", first.id), (5, "delete", second.id), (6, "put", first.id)]


def test_a_page_of_changes_ends_where_a_write_does(store: Store, draft: Draft, vector: Callable[[str], bytes]) -> None:
    put(store, draft("a", "one\ntwo"), draft("b", "three"))
    put(store, draft("a", "one\nfour\nfive"))
    store.write(Write(collection="papers", deletes=["b"], puts=[draft("c", "six")])).result()
    store.put_vectors("a" * 64, {one.digest: vector(one.text) for one in store.missing("papers", 10)}).result()
    ends = {change.seq for after in range(12) for change in store.changes("papers", after, 1)[-1:]}
    assert ends == {1, 6, 8, 9, 10, 11, 12}
    assert [len(store.changes("papers", 0, limit)) for limit in (1, 2, 5, 7)] == [1, 4, 6, 7]


def test_a_collection_that_is_told_anew_is_told_in_pages(store: Store, draft: Draft) -> None:
    head = put(store, draft("a", "one\ntwo\nthree"))
    store.save_collection(Collection(name="papers", identity="b" * 64)).result()
    assert len(store.changes("papers", head, 2)) == 2
    head = store.head("papers")
    store.drop_collection("papers").result()
    assert len(store.changes("papers", head, 2)) == 2


def test_a_put_carries_a_vector_that_is_known(store: Store, draft: Draft, vector: Callable[[str], bytes]) -> None:
    put(store, draft("a", "one"))
    digest = store.missing("papers", 1)[0].digest
    store.put_vectors("a" * 64, {digest: vector("one")}).result()
    head = put(store, draft("b", "one"))
    (change,) = store.changes("papers", head - 1, 10)
    assert change.op == "put"
    assert change.vector is not None
    assert change.vector.tobytes() == vector("one")


def test_a_late_follower_hears_of_the_gone_only_that_they_are_gone(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one"))
    store.write(Write(collection="papers", deletes=["a"])).result()
    assert {(change.op, change.text) for change in store.changes("papers", 0, 10)} == {("delete", "")}


def test_positions_grow_over_all_collections_and_past_the_end_of_the_log(store: Store, draft: Draft) -> None:
    store.save_collection(Collection(name="other")).result()
    heads = [put(store, draft("a", "one", repo=repo)) for repo in ("papers", "other", "papers", "other")]
    heads.append(store.write(Write(collection="papers", deletes=["a"])).result())
    assert heads == [1, 2, 1, 2, 3]
    store.sweep_log({"papers": 3}).result()
    assert put(store, draft("a", "two")) == 4
    assert [change.seq for change in store.changes("other", 0, 10)] == [2]


def test_positions_are_not_given_twice_after_the_last_entry_is_gone(tmp_path: Path, draft: Draft) -> None:
    path = tmp_path / "patina.db"
    for expected in (1, 2, 3):
        store = Store.open(path)
        store.save_collection(Collection(name="papers")).result()
        assert put(store, draft(f"{expected}", "one")) == expected
        store.close()
        connection = apsw.Connection(str(path))
        connection.execute("DELETE FROM log")
        connection.close()


def test_a_dropped_and_remade_collection_leaves_nothing_in_an_old_follower(store: Store, draft: Draft) -> None:
    follower = Follower()
    put(store, draft("a", "one\ntwo"))
    follower.follow(store)
    store.drop_collection("papers").result()
    store.save_collection(Collection(name="papers")).result()
    put(store, draft("a", "two\nthree"))
    follower.follow(store)
    assert sorted(follower.texts.values()) == ["three", "two"]
    assert follower.agrees(store)


def test_followers_of_any_age_end_right_and_the_log_stays_short(
    store: Store, draft: Draft, vector: Callable[[str], bytes]
) -> None:
    followers = [Follower()]
    for step in range(8):
        put(store, draft("a", f"same\n{step}", title=str(step // 3)), draft(f"{step}", "other"))
        missing = {one.digest: one.text for one in store.missing("papers", 10)}
        store.put_vectors("a" * 64, {digest: vector(text) for digest, text in missing.items()}).result()
        if step % 2:
            store.write(Write(collection="papers", deletes=[f"{step - 1}"])).result()
        followers.append(Follower())
        followers[-1].follow(store)
    told = [(change.op, change.id) for change in store.changes("papers", 0, 1000)]
    assert len([one for one in told if one[0] != "delete"]) <= 2 * store.counts("papers").chunks
    put(store, draft("a", "same\nlast"))
    for follower in followers:
        follower.follow(store)
        assert follower.agrees(store)
    assert store.check(full=True) == []


def test_deletes_are_forgotten_up_to_what_every_index_has_applied(store: Store, draft: Draft) -> None:
    store.save_collection(Collection(name="other")).result()
    put(store, draft("b", "one", repo="other"))
    put(store, draft("a", "one\ntwo\nthree"), draft("b", "four"))
    early, late = Follower(), Follower()
    early.follow(store)
    at = store.write(Write(collection="papers", deletes=["a"])).result()
    late.follow(store)
    put(store, draft("b", "five"))
    store.write(Write(collection="other", deletes=["b"])).result()
    assert store.sweep_log({"papers": at - 1}).result() == 2
    assert store.swept("papers") == at - 1
    head = store.head("papers")
    assert store.swept("other") == 0
    assert store.sweep_log({"papers": at, "other": 0, "nothing": 9}).result() == 1
    assert store.sweep_log().result() == 0
    assert 0 < early.at < store.swept("papers"), "it would miss the deletes, and has to start over"
    assert store.head("papers") == head
    new = Follower()
    for follower in (late, new):
        follower.follow(store)
        assert follower.agrees(store)
    assert [change.op for change in store.changes("other", 0, 10)] == ["delete"]
    assert store.check(full=True) == []


def test_a_sweep_is_bounded(store: Store, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SWEPT_AT_ONCE", 2)
    monkeypatch.setattr(vectors, "SWEPT_AT_ONCE", 2)
    put(store, draft("a", "one\ntwo\nthree"))
    store.put_vectors("a" * 64, {one.digest: b"\0" * 16 for one in store.missing("papers", 9)}).result()
    head = store.write(Write(collection="papers", deletes=["a"])).result()
    assert [store.sweep_log({"papers": head}).result() for _ in range(2)] == [2, 0], "the last entry stays"
    assert [store.sweep_vectors().result() for _ in range(3)] == [2, 1, 0]
