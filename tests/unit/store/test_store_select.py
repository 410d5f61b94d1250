"""A filter admits just the chunks whose documents answer to all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from patina.store import Collection, Entry, Store, Write, filters
from patina.wire import Filter

Draft = Callable[..., Entry]
MOMENT = 1_700_000_000.0


def at(moment_s: float) -> int:
    return int((MOMENT + moment_s) * 1_000_000_000)


@pytest.fixture
def shelf(store: Store, draft: Draft) -> Store:
    entries = [
        draft("src/a.py", "1\n2", language="python", metadata={"team": "x", "tier": "1"}, modified_ns=at(10)),
        draft("src/b.rs", "3", language="rust", metadata={"team": "x"}, modified_ns=at(20)),
        draft("src", "4", metadata={'odd "key"': "it's"}),
        draft("srcs/%_[*].py", "5", language="python", metadata={"team": "y", "tier": "1"}, modified_ns=at(30.5)),
        draft("\U0010ffff/z", "6"),
    ]
    store.write(Write(collection="papers", puts=entries)).result()
    store.save_collection(Collection(name="other")).result()
    store.write(Write(collection="other", puts=[draft("src/a.py", "7", repo="other")])).result()
    return store


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), "123456"),
        (Filter(path_prefix=""), "123456"),
        (Filter(path_prefix="src"), "12345"),
        (Filter(path_prefix="src/"), "123"),
        (Filter(path_prefix="src/a.py"), "12"),
        (Filter(path_prefix="srcs/%_[*"), "5"),
        (Filter(path_prefix="\U0010ffff"), "6"),
        (Filter(path_prefix="SRC"), ""),
        (Filter(language="python"), "125"),
        (Filter(language=""), "46"),
        (Filter(metadata={"team": "x"}), "123"),
        (Filter(metadata={"team": "x", "tier": "1"}), "12"),
        (Filter(metadata={"tier": "x"}), ""),
        (Filter(metadata={'odd "key"': "it's"}), "4"),
        (Filter(path_prefix="src", language="python", metadata={"tier": "1"}), "125"),
        (Filter(path_prefix="srcs/", language="python", metadata={"team": "x"}), ""),
        (Filter(ids=[]), ""),
        (Filter(metadata={"team": ["x", "y"]}), "1235"),
        (Filter(metadata={"team": ["y", "z", "y"]}), "5"),
        (Filter(metadata={"team": ["x", "y"], "tier": "1"}), "125"),
        (Filter(metadata={"team": ["x", "y"], "tier": ["1", "2"], "floor": "1"}), ""),
        (Filter(since=MOMENT), "1235"),
        (Filter(since=MOMENT + 20), "35"),
        (Filter(until=MOMENT + 20), "12"),
        (Filter(since=MOMENT + 10, until=MOMENT + 20), "12"),
        (Filter(since=MOMENT + 30.4, until=MOMENT + 30.6), "5"),
        (Filter(since=MOMENT + 30, until=MOMENT + 30), ""),
        (Filter(since=0), "1235"),
        (Filter(until=1e11), "1235"),
        (Filter(since=MOMENT + 5, language="python", metadata={"tier": "1"}, path_prefix="srcs"), "5"),
    ],
    ids=repr,
)
def test_a_filter_admits(shelf: Store, wanted: Filter, expected: str) -> None:
    found = shelf.chunks(list(shelf.select("papers", wanted))).values()
    assert "".join(sorted(chunk.text for chunk in found)) == expected


def test_ids_are_admitted_only_if_alive_and_of_the_collection(shelf: Store) -> None:
    papers = [chunk.id for chunk in shelf.iterate("papers")]
    (other,) = (chunk.id for chunk in shelf.iterate("other"))
    assert shelf.select("papers", Filter(ids=[*papers[:3], other, "unknown"])) == set(papers[:3])
    assert len(shelf.select("papers", Filter(ids=papers, language="python"))) == 3


def test_a_collection_that_does_not_exist_admits_nothing(shelf: Store) -> None:
    assert shelf.select("nothing", Filter()) == frozenset()


def test_what_documents_say_of_themselves_changes_with_them(shelf: Store, draft: Draft) -> None:
    team = Filter(metadata={"team": "x"})
    shelf.write(
        Write(collection="papers", puts=[draft("src/a.py", "1\n2", metadata={"team": "z"})], deletes=["src/b.rs"])
    ).result()
    assert shelf.select("papers", team) == frozenset()
    assert len(shelf.select("papers", Filter(metadata={"team": "z"}))) == 2
    shelf.write(Write(collection="papers", puts=[draft("src/a.py", "1\n2")])).result()
    assert shelf.select("papers", Filter(metadata={"team": "z"})) == frozenset()
    shelf.drop_collection("papers").result()
    assert shelf.check(full=True) == []


def test_a_rare_match_among_many_documents_reads_few_pages(store: Store, draft: Draft) -> None:
    """Whatever is asked for, the rest of the collection is not looked at."""
    entries = [
        draft(
            f"{number}", "text", language=f"l{number % 100}", modified_ns=number + 1, metadata={"n": f"{number % 100}"}
        )
        for number in range(2000)
    ]
    store.write(Write(collection="papers", puts=entries)).result()
    ids = [entry.chunks[0].id for entry in entries[:20]]
    wholly = steps(store, Filter())
    for wanted in (
        Filter(language="l7"),
        Filter(metadata={"n": "7"}),
        Filter(metadata={"n": ["7", "8"]}, language="l7"),
        Filter(until=20e-9),
        Filter(path_prefix="77"),
        Filter(ids=ids),
    ):
        assert len(store.select("papers", wanted)) in range(10, 21)
        assert steps(store, wanted) < wholly / 5, wanted


def steps(store: Store, wanted: Filter) -> int:
    """What SQLite's machine does for a selection, in hundreds of its instructions."""
    count = 0

    def step() -> bool:
        nonlocal count
        count += 1
        return False

    with store._connections.reading() as connection:
        connection.set_progress_handler(step, 100)
        filters.select(connection, 1, wanted)
        connection.set_progress_handler(None)
    return count
