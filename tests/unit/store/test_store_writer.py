"""One thread commits for everybody: in order, in groups, and never more queued than the written limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import apsw
import pytest

from patina.errors import Unavailable
from patina.store import Entry, Store, Write
from patina.store.connection import MemoryConnections
from patina.store.writer import GROUP_CHUNKS, MAX_WAITING_CHUNKS, Writer

Draft = Callable[..., Entry]
WAIT_S = 30.0


class Gate:
    """Holds the writer's thread until it is opened, so that a test can queue what it likes."""

    def __init__(self, writer: Writer) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()
        writer.submit(self._wait, 1)
        assert self.reached.wait(WAIT_S)

    def _wait(self, _connection: apsw.Connection) -> int:
        self.reached.set()
        assert self.opened.wait(WAIT_S)
        return 0


class Commits:
    """Tasks that note which transaction they ran in."""

    def __init__(self) -> None:
        self.count = 0
        self.tasks: list[tuple[int, int]] = []

    def task(self, number: int) -> Callable[[apsw.Connection], int]:
        def work(connection: apsw.Connection) -> int:
            connection.set_commit_hook(self._commit)
            self.tasks.append((number, self.count))
            return number

        return work

    def _commit(self) -> bool:
        self.count += 1
        return False


@pytest.fixture
def writer() -> Iterator[Writer]:
    connections = MemoryConnections()
    writer = Writer(connections, "in memory")
    yield writer
    writer.close()
    connections.close()


def test_what_is_queued_together_is_committed_together_in_order(writer: Writer) -> None:
    gate, commits = Gate(writer), Commits()
    sizes = [1] * GROUP_CHUNKS + [1, GROUP_CHUNKS - 1] + [1, GROUP_CHUNKS] + [GROUP_CHUNKS * 3, 1]
    futures = [writer.submit(commits.task(number), size) for number, size in enumerate(sizes)]
    gate.opened.set()
    assert [future.result(WAIT_S) for future in futures] == list(range(len(sizes)))
    assert [number for number, _ in commits.tasks] == list(range(len(sizes)))
    groups = [
        [size for size, (_, commit) in zip(sizes, commits.tasks, strict=True) if commit == one] for one in range(7)
    ]
    assert groups == [[1] * GROUP_CHUNKS, [1, GROUP_CHUNKS - 1], [1], [GROUP_CHUNKS], [GROUP_CHUNKS * 3], [1], []]


def test_a_producer_waits_while_too_much_is_queued(writer: Writer) -> None:
    gate = Gate(writer)
    writer.submit(lambda _: 0, MAX_WAITING_CHUNKS)
    late = threading.Thread(target=writer.submit, args=(lambda _: 0, 1), daemon=True)
    late.start()
    late.join(0.1)
    assert late.is_alive()
    gate.opened.set()
    late.join(WAIT_S)
    assert not late.is_alive()


def test_closing_commits_what_is_queued_and_turns_the_rest_away(writer: Writer) -> None:
    gate = Gate(writer)
    last = writer.submit(lambda _: 7, MAX_WAITING_CHUNKS)
    turned_away: list[BaseException] = []

    def submit_late() -> None:
        try:
            writer.submit(lambda _: 0, 1)
        except Unavailable as error:
            turned_away.append(error)

    late = threading.Thread(target=submit_late)
    closing = threading.Thread(target=writer.close)
    late.start()
    closing.start()
    late.join(WAIT_S)
    gate.opened.set()
    closing.join(WAIT_S)
    assert last.result(WAIT_S) == 7
    assert len(turned_away) == 1


def test_a_write_that_was_cancelled_in_time_is_not_carried_out(writer: Writer) -> None:
    gate, commits = Gate(writer), Commits()
    cancelled, kept = writer.submit(commits.task(1), 1), writer.submit(commits.task(2), 1)
    assert cancelled.cancel()
    gate.opened.set()
    assert kept.result(WAIT_S) == 2
    assert [number for number, _ in commits.tasks] == [2]
    with pytest.raises(CancelledError):
        cancelled.result(WAIT_S)


def test_a_task_that_fails_takes_back_only_its_own_work(writer: Writer) -> None:
    def add(name: str, fail: bool = False) -> Callable[[apsw.Connection], int]:
        def work(connection: apsw.Connection) -> int:
            connection.execute("INSERT INTO models (identity, dimension) VALUES (?, 1)", (name,))
            if fail:
                raise KeyError(name)
            return int(connection.execute("SELECT count(*) FROM models").get)

        return work

    gate = Gate(writer)
    first, failing, last = (
        writer.submit(add(name, fail), 1) for name, fail in [("one", False), ("two", True), ("three", False)]
    )
    gate.opened.set()
    assert isinstance(failing.exception(WAIT_S), KeyError)
    assert (first.result(WAIT_S), last.result(WAIT_S)) == (1, 2)


def test_a_done_write_can_be_read_by_everybody(store: Store, draft: Draft) -> None:
    seen: list[int] = []
    for number in range(1, 20):
        future = store.write(Write(collection="papers", puts=[draft(f"{number}", "text")]))
        future.add_done_callback(lambda _: seen.append(store.counts("papers").documents))
        future.result()
        assert store.counts("papers").documents == number
    store.close()
    assert seen == list(range(1, 20))
