"""The store says when more is to be written than one transaction takes, so that others can wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import apsw
import pytest

from patina.config import StoreSettings
from patina.store import Store

WAIT_S = 30.0
BATCH = 4


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open(None, StoreSettings(batch_chunks=BATCH))
    yield store
    store.close()


def test_what_is_being_written_and_what_waits_are_counted_together(store: Store) -> None:
    opened, reached = threading.Event(), threading.Event()

    def hold(_connection: apsw.Connection) -> int:
        reached.set()
        return int(opened.wait(WAIT_S))

    assert not store.crowded
    held = store._writer.submit(hold, chunks=BATCH, hurry=True)
    assert reached.wait(WAIT_S)
    assert not store.crowded  # a full transaction, and nobody behind it
    behind = store._writer.submit(lambda _: 0)
    assert store.crowded
    opened.set()
    assert held.result(WAIT_S)
    assert behind.result(WAIT_S) == 0
    store.commit().result(WAIT_S)
    assert not store.crowded
