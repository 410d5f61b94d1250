"""A filter admits just the chunks whose documents answer to all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from patina.store import Collection, Entry, Store, Write
from patina.wire import Filter

Draft = Callable[..., Entry]


@pytest.fixture
def shelf(store: Store, draft: Draft) -> Store:
    entries = [
        draft("src/a.py", "1\n2", language="python", metadata={"team": "x", "tier": "1"}),
        draft("src/b.rs", "3", language="rust", metadata={"team": "x"}),
        draft("src", "4", metadata={'odd "key"': "it's"}),
        draft("srcs/%_[*].py", "5", language="python", metadata={"team": "y", "tier": "1"}),
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
