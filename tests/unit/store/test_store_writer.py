"""One thread commits for everybody: in order, in groups, and never more queued than the written limit."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path

import apsw
import pytest

from patina.config import StoreSettings
from patina.errors import Unavailable
from patina.store import Entry, Store, Write
from patina.store.connection import FileConnections, MemoryConnections
from patina.store.writer import Writer

Draft = Callable[..., Entry]
WAIT_S = 30.0
SETTINGS = StoreSettings(batch_chunks=8, batch_bytes=1000, queue_chunks=16, queue_bytes=2000)


class Gate:
    """Holds the writer's thread until it is opened, so that a test can queue what it likes."""

    def __init__(self, writer: Writer) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()
        writer.submit(self._wait)
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

    @property
    def sizes(self) -> Counter[int]:
        """How many tasks each transaction ran."""
        return Counter(commit for _, commit in self.tasks)


@pytest.fixture
def writer() -> Iterator[Writer]:
    connections = MemoryConnections()
    writer = Writer(connections, "in memory", SETTINGS)
    yield writer
    writer.close()
    connections.close()


@pytest.fixture
def roomy() -> Iterator[Writer]:
    """Batches as small, and room for everything."""
    connections = MemoryConnections()
    writer = Writer(connections, "in memory", StoreSettings(batch_chunks=8, batch_bytes=1000))
    yield writer
    writer.close()
    connections.close()


Weight = tuple[int, int]


@pytest.mark.parametrize(
    ("weights", "groups"),
    [
        ([(1, 0)] * 11, [8, 3]),
        ([(1, 0), (7, 0), (1, 0), (8, 0), (1, 0)], [2, 1, 1, 1]),
        ([(1, 0), (30, 0), (1, 0)], [1, 1, 1]),
        ([(1, 400)] * 5, [2, 2, 1]),
        ([(1, 0), (1, 5000), (1, 1000), (1, 0)], [1, 1, 2]),
    ],
)
def test_what_is_queued_together_is_committed_together_in_order(
    weights: list[Weight], groups: list[int], roomy: Writer
) -> None:
    gate, commits = Gate(roomy), Commits()
    futures = [
        roomy.submit(commits.task(number), chunks=chunks, size=size) for number, (chunks, size) in enumerate(weights)
    ]
    gate.opened.set()
    assert [future.result(WAIT_S) for future in futures] == list(range(len(weights)))
    assert [number for number, _ in commits.tasks] == list(range(len(weights)))
    assert [commits.sizes[number] for number in sorted(commits.sizes)] == groups


@pytest.mark.parametrize("weight", [(16, 0), (1, 2000)])
def test_a_producer_waits_while_too_much_is_queued(writer: Writer, weight: Weight) -> None:
    gate = Gate(writer)
    writer.submit(lambda _: 0, chunks=weight[0], size=weight[1])
    late = threading.Thread(target=writer.submit, args=(lambda _: 0,), daemon=True)
    late.start()
    late.join(0.1)
    assert late.is_alive()
    gate.opened.set()
    late.join(WAIT_S)
    assert not late.is_alive()


class Patient:
    """A writer whose groups wait a minute for company."""

    def __init__(self) -> None:
        self.connections = MemoryConnections()
        settings = StoreSettings(commit_interval_ms=60_000, batch_chunks=4, batch_bytes=100, queue_chunks=8)
        self.writer = Writer(self.connections, "in memory", settings)
        self.commits = Commits()

    def submit(self, number: int, size: int = 0, hurry: bool = False) -> Future[int]:
        return self.writer.submit(self.commits.task(number), size=size, hurry=hurry)


@pytest.fixture
def patient() -> Iterator[Patient]:
    patient = Patient()
    yield patient
    patient.writer.close()
    patient.connections.close()


def test_a_group_waits_for_company_until_it_is_full(patient: Patient) -> None:
    first = patient.submit(1)
    with pytest.raises(TimeoutError):
        first.result(0.1)
    rest = [patient.submit(number) for number in (2, 3, 4)]
    assert [future.result(WAIT_S) for future in [first, *rest]] == [1, 2, 3, 4]
    heavy = [patient.submit(number, size=60) for number in (5, 6)]
    assert heavy[0].result(WAIT_S) == 5
    with pytest.raises(TimeoutError):
        heavy[1].result(0.1)


def test_a_commit_that_is_asked_for_waits_for_nobody(patient: Patient) -> None:
    futures = [patient.submit(1), patient.submit(2), patient.submit(3, hurry=True)]
    assert [future.result(WAIT_S) for future in futures] == [1, 2, 3]
    assert list(patient.commits.sizes.values()) == [3]
    late = patient.submit(4)
    with pytest.raises(TimeoutError):
        late.result(0.1)


def test_company_is_waited_for_no_longer_than_said() -> None:
    connections = MemoryConnections()
    writer = Writer(connections, "in memory", StoreSettings(commit_interval_ms=50))
    assert writer.submit(lambda _: 7).result(WAIT_S) == 7
    writer.close()
    connections.close()


def test_closing_commits_what_is_queued_and_turns_the_rest_away(writer: Writer) -> None:
    gate = Gate(writer)
    last = writer.submit(lambda _: 7, chunks=SETTINGS.queue_chunks)
    turned_away: list[BaseException] = []

    def submit_late() -> None:
        try:
            writer.submit(lambda _: 0)
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
    cancelled, kept = writer.submit(commits.task(1)), writer.submit(commits.task(2))
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
        writer.submit(add(name, fail)) for name, fail in [("one", False), ("two", True), ("three", False)]
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


def test_what_did_not_wait_for_the_disk_is_there_soon_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patina.store.writer.UNSYNCED_S", 0.05)
    connections = FileConnections(tmp_path / "patina.db")
    writer = Writer(connections, "here", SETTINGS)

    def add(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO models (identity, dimension) VALUES (hex(randomblob(9)), 1)")
        return 0

    gate = Gate(writer)
    quick = writer.submit(add, durable=False)
    gate.opened.set()
    quick.result(WAIT_S)
    deadline = time.monotonic() + WAIT_S
    while connections.unsynced_since is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for durable, waiting in [(False, True), (True, False), (False, True)]:
        monkeypatch.setattr("patina.store.writer.UNSYNCED_S", WAIT_S)
        writer.submit(add, durable=durable).result(WAIT_S)
        assert (connections.unsynced_since is not None) is waiting
    writer.submit(lambda _: 0).result(WAIT_S)
    assert connections.unsynced_since is None, "a commit without a change waits for the earlier ones"
    writer.close()
    connections.close()
