"""Documents are replaced and removed as a whole, and found again as they were handed over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from patina.errors import NotFound
from patina.store import Collection, Counts, Entry, Store, Write

Draft = Callable[..., Entry]


def put(store: Store, *entries: Entry) -> int:
    return store.write(Write(collection=entries[0].chunks[0].repo, puts=list(entries))).result()


def texts(store: Store, path: str) -> list[str]:
    return [chunk.text for chunk in store.document_chunks("papers", path)]


def test_a_document_comes_back_as_it_was_handed_over(store: Store, draft: Draft) -> None:
    one = draft(
        "notes/größe.md", "one\n# On size\nzwei ☃\nthree", title="Size", language="markdown", metadata={"by": "me"}
    )
    put(store, one)
    assert store.documents("papers") == {"notes/größe.md": one.document}
    ids = [chunk.id for chunk in one.chunks]
    chunks = store.document_chunks("papers", "notes/größe.md")
    assert [replace(chunk, previous=None, next=None) for chunk in chunks] == one.chunks
    assert [(chunk.previous, chunk.next) for chunk in chunks] == [(None, ids[1]), (ids[0], ids[2]), (ids[1], None)]
    assert store.chunks([ids[2], "unknown", ids[0]]) == {ids[2]: chunks[2], ids[0]: chunks[0]}
    assert store.counts("papers") == Counts(documents=1, chunks=3, embedded=0)


def test_an_empty_document_is_remembered(store: Store, draft: Draft) -> None:
    store.write(Write(collection="papers", puts=[draft("empty.md", "")])).result()
    assert list(store.documents("papers")) == ["empty.md"]
    assert store.counts("papers") == Counts(documents=1, chunks=0, embedded=0)


def test_replacing_keeps_what_stays_and_removes_what_is_gone(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one\ntwo\nthree"))
    before = {chunk.text: chunk.id for chunk in store.document_chunks("papers", "a")}
    put(store, draft("a", "two\nfour\none"))
    after = {chunk.text: chunk.id for chunk in store.document_chunks("papers", "a")}
    assert list(after) == ["two", "four", "one"]
    assert (after["one"], after["two"]) == (before["one"], before["two"])
    assert not store.chunks([before["three"]])
    assert store.counts("papers") == Counts(documents=1, chunks=3, embedded=0)


def test_passages_that_only_moved_are_refreshed_and_the_log_is_silent(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one\ntwo"))
    head = store.head("papers")
    assert put(store, draft("a", "# \none\n# \ntwo", modified_ns=7)) > head  # below other headings
    head = store.head("papers")
    assert put(store, draft("a", "# \n# \n# \none\ntwo", modified_ns=8)) == head
    assert [chunk.start_line for chunk in store.document_chunks("papers", "a")] == [4, 5]
    assert store.documents("papers")["a"].modified_ns == 8
    assert store.changes("papers", head, 10) == []


@pytest.mark.parametrize("again", ["retitled", "under another heading"])
def test_what_an_index_sees_is_told_again_when_it_changes(store: Store, draft: Draft, again: str) -> None:
    put(store, draft("a", "# Old\none", title="old"))
    head = store.head("papers")
    put(store, draft("a", "# Old\none", title="new") if again == "retitled" else draft("a", "# New\none", title="old"))
    (change,) = store.changes("papers", head, 10)
    expected = ("new", ("# Old",)) if again == "retitled" else ("old", ("# New",))
    assert (change.op, change.text, (change.title, change.heading)) == ("put", "one", expected)


def test_equal_passages_of_a_document_are_told_apart(store: Store, draft: Draft) -> None:
    put(store, draft("a", "same\nsame\nsame"))
    put(store, draft("a", "same\nsame"))
    assert texts(store, "a") == ["same", "same"]
    assert store.check(full=True) == []


def test_deletes_puts_and_the_cursor_go_together(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one"), draft("b", "two"))
    write = Write(
        collection="papers", puts=[draft("a", "new")], deletes=["a", "b", "never was"], cursor=("git", "c0ffee")
    )
    store.write(write).result()
    assert list(store.documents("papers")) == ["a"]
    assert texts(store, "a") == ["new"]
    assert (store.cursor("papers", "git"), store.cursor("papers", "mail")) == ("c0ffee", None)
    store.write(Write(collection="papers", cursor=("git", "decaf"))).result()
    assert store.cursor("papers", "git") == "decaf"


def test_the_last_of_two_entries_for_a_path_wins(store: Store, draft: Draft) -> None:
    put(store, draft("a", "first"), draft("a", "second"))
    assert texts(store, "a") == ["second"]


def test_a_prefix_is_a_folder_or_a_file(store: Store, draft: Draft) -> None:
    put(store, *(draft(path, path) for path in ["docs", "docs/a.md", "docs/b/c.md", "docs-old/a.md", "doc"]))
    assert list(store.documents("papers", "docs")) == ["docs", "docs/a.md", "docs/b/c.md"]
    assert list(store.documents("papers", "docs/")) == ["docs", "docs/a.md", "docs/b/c.md"]
    assert list(store.documents("papers", "docs/b/c.md")) == ["docs/b/c.md"]
    assert len(store.documents("papers")) == 5


def test_iterating_goes_by_path_and_position(store: Store, draft: Draft) -> None:
    put(store, *(draft(f"{number:03}", f"{number} one\n{number} two") for number in reversed(range(40))))
    found = list(store.iterate("papers"))
    assert [chunk.text for chunk in found] == [f"{number} {word}" for number in range(40) for word in ("one", "two")]
    assert found[0].next == found[1].id


def test_more_ids_than_a_statement_has_variables(store: Store, draft: Draft) -> None:
    one = draft("a", "\n".join(map(str, range(33_000))))
    put(store, one)
    assert len(store.chunks([chunk.id for chunk in one.chunks])) == 33_000


def test_collections_do_not_see_each_other(store: Store, draft: Draft) -> None:
    store.save_collection(Collection(name="other")).result()
    put(store, draft("a", "one"))
    put(store, draft("a", "one", repo="other"))
    store.write(Write(collection="papers", deletes=["a"])).result()
    assert [chunk.text for chunk in store.iterate("other")] == ["one"]
    assert store.counts("papers") == Counts()


def test_a_collection_that_does_not_exist_is_empty_and_takes_no_writes(store: Store, draft: Draft) -> None:
    assert store.collection("nothing") is None
    assert store.counts("nothing") == Counts()
    assert (store.head("nothing"), store.changes("nothing", 0, 9), store.missing("nothing", 9)) == (0, [], [])
    assert (store.documents("nothing"), list(store.iterate("nothing"))) == ({}, [])
    with pytest.raises(NotFound, match="nothing"):
        put(store, draft("a", "one", repo="nothing"))
    with pytest.raises(NotFound, match="nothing"):
        store.drop_collection("nothing").result()


def test_saving_again_changes_a_collection_but_not_its_times(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one"))
    before = store.collection("papers")
    assert before is not None
    assert before.indexed_at is not None
    assert before.indexed_at >= before.created_at > 1_000_000_000
    store.save_collection(Collection(name="papers", root="/elsewhere", index="fast")).result()
    assert store.collections() == [replace(before, root="/elsewhere", index="fast", identity="", model="", dimension=0)]
    assert store.counts("papers").chunks == 1


def test_a_dropped_collection_is_gone_and_its_name_free(store: Store, draft: Draft) -> None:
    put(store, draft("a", "one\ntwo"))
    store.write(Write(collection="papers", cursor=("git", "c0ffee"))).result()
    store.drop_collection("papers").result()
    assert store.collections() == []
    assert store.counts("papers") == Counts()
    assert store.cursor("papers", "git") is None
    store.save_collection(Collection(name="papers")).result()
    assert list(store.iterate("papers")) == []
    collection = store.collection("papers")
    assert collection is not None
    assert collection.indexed_at is None
    assert store.check(full=True) == []


def test_an_entry_that_contradicts_itself_is_refused(store: Store, draft: Draft) -> None:
    one = draft("a", "one\ntwo")
    for chunks in (one.chunks[::-1], [replace(one.chunks[0], title="other")], draft("b", "one").chunks):
        with pytest.raises(ValueError, match="'a'"):
            store.write(Write(collection="papers", puts=[Entry(document=one.document, chunks=chunks)]))
    with pytest.raises(ValueError, match="'a'"):
        store.write(Write(collection="other", puts=[one]))


def test_passages_are_removed_and_their_neighbours_close_up(store: Store, draft: Draft) -> None:
    entry = draft("a", "one\nsame\ntwo\nsame\nthree")
    store.write(Write(collection="papers", puts=[entry, draft("b", "four")])).result()
    store.save_collection(Collection(name="other")).result()
    store.write(Write(collection="other", puts=[draft("a", "five", repo="other")])).result()
    (foreign,) = (chunk.id for chunk in store.iterate("other"))
    head = store.head("papers")
    dropped = [entry.chunks[0].id, entry.chunks[1].id, foreign, "unknown"]
    store.write(Write(collection="papers", drop_chunks=dropped)).result()
    left = store.document_chunks("papers", "a")
    assert [(chunk.text, chunk.position) for chunk in left] == [("two", 0), ("same", 1), ("three", 2)]
    assert [chunk.previous for chunk in left] == [None, left[0].id, left[1].id]
    assert {(change.op, change.id) for change in store.changes("papers", head, 1)} == {
        ("delete", id) for id in dropped[:2]
    }
    assert store.counts("papers") == Counts(documents=2, chunks=4)
    assert store.counts("other").chunks == 1
    assert store.check(full=True) == []
    store.write(Write(collection="papers", drop_chunks=[chunk.id for chunk in left])).result()
    assert store.counts("papers") == Counts(documents=2, chunks=1)
    store.write(Write(collection="papers", puts=[entry])).result()
    assert [chunk.id for chunk in store.document_chunks("papers", "a")] == [chunk.id for chunk in entry.chunks]
    assert store.check(full=True) == []
