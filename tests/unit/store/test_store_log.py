"""Whoever follows the log, from wherever, ends with what is alive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from patina.store import Collection, Entry, Store, Write
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
    told = [(change.op, change.id) for change in store.changes("papers", 0, 100)]
    assert told == [
        ("put", first.id),
        ("delete", second.id),
        ("vector", first.id),
        ("delete", first.id),
        ("delete", second.id),
        ("put", first.id),
    ]
    seqs = [change.seq for change in store.changes("papers", 0, 100)]
    assert seqs == sorted(set(seqs))
    assert [change.seq for change in store.changes("papers", seqs[1], 1)] == seqs[2:3]


def test_a_page_of_changes_ends_where_a_write_does(store: Store, draft: Draft, vector: Callable[[str], bytes]) -> None:
    put(store, draft("a", "one\ntwo"), draft("b", "three"))
    put(store, draft("a", "one\nfour\nfive"))
    store.write(Write(collection="papers", deletes=["b"], puts=[draft("c", "six")])).result()
    store.put_vectors("a" * 64, {one.digest: vector(one.text) for one in store.missing("papers", 10)}).result()
    ends = {change.seq for after in range(12) for change in store.changes("papers", after, 1)[-1:]}
    assert ends == {3, 6, 8, 9, 10, 11, 12}
    assert [len(store.changes("papers", 0, limit)) for limit in (1, 3, 4, 7, 9)] == [3, 3, 6, 8, 9]
    store.sweep_log().result()
    assert {change.seq for change in store.changes("papers", 0, 1)} == {1}


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
    store.sweep_log().result()
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


def test_sweeping_leaves_every_follower_right(store: Store, draft: Draft, vector: Callable[[str], bytes]) -> None:
    followers = [Follower()]
    for step in range(8):
        put(store, draft("a", f"same\n{step}", title=str(step // 3)), draft(f"{step}", "other"))
        missing = {one.digest: one.text for one in store.missing("papers", 10)}
        store.put_vectors("a" * 64, {digest: vector(text) for digest, text in missing.items()}).result()
        if step % 2:
            store.write(Write(collection="papers", deletes=[f"{step - 1}"])).result()
        followers.append(Follower())
        followers[-1].follow(store)
    before = len(store.changes("papers", 0, 1000))
    swept = store.sweep_log().result()
    assert swept > 0
    assert len(store.changes("papers", 0, 1000)) == before - swept
    followers.append(Follower())
    put(store, draft("a", "same\nlast"))
    for follower in followers:
        follower.follow(store)
        assert follower.agrees(store)
    assert store.sweep_log().result() > 0
    assert store.sweep_log().result() == 0
    assert store.check(full=True) == []
