"""What a thread that is about to end leaves behind does not stand in the way of starting over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patina.types import Stamp
from patina_hybrid.lexical.snapshot import Snapshot


@contextmanager
def looking_in(live: Path) -> Iterator[None]:
    """A lock that comes and goes, as tantivy's does while it reads anew."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                (live / ".tantivy-meta.lock").touch()
            except FileNotFoundError:
                continue

    thread = threading.Thread(target=look)
    thread.start()
    threading.Timer(0.05, over.set).start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_folder_is_emptied_although_somebody_looks_in(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path / "lexical", Stamp(collection="notes"), "plain")
    snapshot.clear()
    for _ in range(5):
        with looking_in(snapshot.live):
            snapshot.clear()
            assert snapshot.restore() is None
