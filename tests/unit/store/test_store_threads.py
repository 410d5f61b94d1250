"""Readers beside a writer see a document's old version or its new one, never some of both."""

from __future__ import annotations

import threading
from collections.abc import Callable

from patina.store import Entry, Store, Write
from patina.wire import Filter

Draft = Callable[..., Entry]
VERSIONS = 40
CHUNKS = 40


def version(draft: Draft, number: int) -> list[Entry]:
    """Two documents that always change together; every passage names the version."""
    text = "\n".join(f"version {number} passage {position}" for position in range(CHUNKS))
    return [draft("a", text), draft("b", text)]


def test_readers_never_see_half_a_write(store: Store, draft: Draft) -> None:
    store.write(Write(collection="papers", puts=version(draft, 0))).result()
    done = threading.Event()
    torn: list[object] = []
    looks = [0, 0, 0]

    def look(reader: int, once: Callable[[], object]) -> None:
        while not done.is_set():
            if (found := once()) is not None:
                torn.append(found)
            looks[reader] += 1

    def one_document() -> object:
        texts = [chunk.text for chunk in store.document_chunks("papers", "a")]
        number = int(texts[0].split()[1])
        return None if texts == [chunk.text for chunk in version(draft, number)[0].chunks] else texts

    def both_documents() -> object:
        versions = [chunk.text.split()[1] for chunk in store.iterate("papers")]
        return None if len(versions) == 2 * CHUNKS and len(set(versions)) == 1 else versions

    def counted() -> object:
        counts, ids = store.counts("papers"), store.select("papers", Filter())
        return None if (counts.documents, counts.chunks, len(ids)) == (2, 2 * CHUNKS, 2 * CHUNKS) else counts

    readers = [
        threading.Thread(target=look, args=(number, once))
        for number, once in enumerate([one_document, both_documents, counted])
    ]
    for reader in readers:
        reader.start()
    for number in range(1, VERSIONS):
        store.write(Write(collection="papers", puts=version(draft, number))).result()
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert min(looks) > 0
    assert store.check(full=True) == []


def test_more_readers_than_connections_take_turns(store: Store, draft: Draft) -> None:
    store.write(Write(collection="papers", puts=version(draft, 0))).result()
    together = threading.Barrier(40)
    found: list[int] = []

    def read() -> None:
        together.wait()
        found.append(len(store.document_chunks("papers", "a")))

    readers = [threading.Thread(target=read) for _ in range(40)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [CHUNKS] * 40


def test_several_producers_lose_nothing(store: Store, draft: Draft) -> None:
    def produce(name: str) -> None:
        for number in range(25):
            store.write(Write(collection="papers", puts=[draft(f"{name}/{number}", f"{name} {number}")])).result()

    producers = [threading.Thread(target=produce, args=(name,)) for name in "abcd"]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    assert {chunk.text for chunk in store.iterate("papers")} == {f"{name} {n}" for name in "abcd" for n in range(25)}
    seqs = [change.seq for change in store.changes("papers", 0, 1000)]
    assert seqs == list(range(1, 101))
