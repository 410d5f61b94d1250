"""The dense arm while it grows, seals, merges and forgets."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

from patina.errors import Mismatch, PluginError
from patina.types import Change, Query, Stamp
from patina_hybrid.dense import graph, shelf
from patina_hybrid.dense.arm import DenseArm
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from patina.types import Candidate, Vector, Vectors

    from .conftest import Passages

SMALL = HybridSettings(segment_size=64, tail_max=128)


@pytest.fixture
def arm(passages: Passages) -> Iterator[DenseArm]:
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    yield arm
    arm.close()


def asked(arm: DenseArm, vector: Vector, window: int = 10, only: frozenset[str] | None = None) -> list[Candidate]:
    candidates = arm.rank(Query(vector=vector, window=window, only=only))
    assert candidates is not None
    return candidates


def names(candidates: list[Candidate]) -> list[str]:
    return [candidate.id for candidate in candidates]


def feed(arm: DenseArm, changes: Sequence[Change]) -> None:
    """A few changes at a time, as the log brings them."""
    for start in range(0, len(changes), 32):
        arm.apply(changes[start : start + 32])


def recall(arm: DenseArm, passages: Passages, among: range) -> float:
    questions = passages.rows[: len(among) : 7]
    hits = sum(len(set(names(asked(arm, row))) & set(passages.nearest(row, among, 10))) for row in questions)
    return hits / (10 * len(questions))


def test_a_score_is_the_cosine(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(20)))
    best = asked(arm, passages.rows[3], window=20)
    assert best[0].id == passages.id(3)
    wanted = {passages.id(n): float(passages.rows[n] @ passages.rows[3]) for n in range(20)}
    assert {c.id: c.score for c in best} == pytest.approx(wanted, abs=2e-6)


def test_full_tails_become_segments_and_four_segments_one(arm: DenseArm, passages: Passages) -> None:
    for start in range(0, 600, 50):
        arm.apply(passages.puts(range(start, start + 50), first=start + 1))
    arm.settle()
    assert arm.stats()["dense_vectors"] == 600
    assert 1 <= arm.stats()["dense_segments"] <= 6
    assert arm.ids() == passages.ids(range(600))
    assert recall(arm, passages, range(600)) >= 0.97


def test_a_vector_is_found_at_once_at_every_size(arm: DenseArm, passages: Passages) -> None:
    for number in range(300):
        arm.apply([passages.put(number, number + 1)])
        assert asked(arm, passages.rows[number], window=1)[0].id == passages.id(number)


def test_small_and_wide_filters_fill_the_window_with_the_nearest(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(600)))
    arm.settle()
    for step in (300, 60, 7, 3, 2):
        admitted = range(1, 600, step)
        for row in passages.rows[:40:5]:
            found = names(asked(arm, row, window=10, only=passages.ids(admitted)))
            nearest = passages.nearest(row, admitted, 10)
            assert len(found) == min(10, len(admitted))
            assert set(found) <= passages.ids(admitted)
            assert len(set(found) & set(nearest)) >= len(nearest) - 1


def test_deleted_is_not_found_before_and_after_it_is_reclaimed(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(400)))
    arm.settle()
    gone = range(0, 400, 2)
    arm.apply([passages.delete(number, 401 + at) for at, number in enumerate(gone)])
    live = range(1, 400, 2)
    for _ in ("dead rows are still there", "and now they are not"):
        for row in passages.rows[:100:9]:
            found = names(asked(arm, row, window=50))
            assert len(found) == 50
            assert set(found) <= passages.ids(live)
            assert set(names(asked(arm, row, only=passages.ids(range(20))))) == passages.ids(range(1, 20, 2))
        arm.settle()
    assert arm.ids() == passages.ids(live)
    assert arm.stats()["dense_dead"] <= 0.3 * 400


def test_everything_may_be_deleted(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(200)))
    arm.apply([passages.delete(number, 201 + number) for number in range(200)])
    arm.settle()
    assert arm.rank(Query(vector=passages.rows[0])) is None
    assert arm.ids() == frozenset()
    arm.apply([passages.put(7, 500)])
    assert names(asked(arm, passages.rows[0])) == [passages.id(7)]


def test_a_newer_vector_replaces_the_older(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(100)))
    arm.settle()
    arm.apply([passages.vector(3, 101, passages.rows[400])])
    assert arm.stats()["dense_vectors"] == 100
    found = asked(arm, passages.rows[400], window=100)
    assert found[0].id == passages.id(3)
    assert len(set(names(found))) == len(found) == 100


def test_the_same_vector_again_takes_no_room(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(50)))
    arm.apply(passages.puts(range(50), first=51))
    assert arm.stats()["dense_vectors"] == 50
    assert arm.stats()["dense_dead"] == 0


def test_a_put_without_a_vector_forgets_the_old_one(arm: DenseArm, passages: Passages) -> None:
    arm.apply([passages.put(1, 1), passages.put(2, 2), passages.put(1, 3, embedded=False)])
    assert arm.ids() == {passages.id(2)}


def test_equal_vectors_are_all_found_in_the_order_of_their_ids(arm: DenseArm, passages: Passages) -> None:
    alike = [replace(passages.put(number, number + 1), vector=passages.rows[0]) for number in range(300)]
    arm.apply(alike)
    arm.settle()
    found = asked(arm, passages.rows[0], window=300)
    assert names(found) == sorted(passages.ids(range(300)))


def test_vectors_are_made_unit_vectors(arm: DenseArm, passages: Passages) -> None:
    arm.apply([replace(passages.put(1, 1), vector=passages.rows[1] * np.float32(3))])
    assert asked(arm, passages.rows[1])[0].score == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("wrong", [np.ones(3), np.full(24, np.nan), np.zeros(24), np.ones((1, 24))])
def test_a_wrong_vector_is_an_error_that_names_the_chunk(arm: DenseArm, passages: Passages, wrong: Vector) -> None:
    batch = [passages.put(1, 1), replace(passages.put(2, 2), vector=wrong.astype(np.float32))]
    with pytest.raises(PluginError, match=passages.id(2)):
        arm.apply(batch)
    assert arm.seq == 0, "nothing of the batch was taken in"


def test_a_question_of_another_length_is_refused(arm: DenseArm, passages: Passages) -> None:
    arm.apply(passages.puts(range(3)))
    with pytest.raises(Mismatch, match="24 dimensions"):
        arm.rank(Query(vector=np.ones(7, np.float32)))


def test_without_a_model_vectors_are_left_alone(passages: Passages) -> None:
    arm = DenseArm(SMALL)
    arm.open(None, Stamp(collection="notes"))
    arm.apply(passages.puts(range(5)))
    assert arm.seq == 5
    assert arm.rank(Query(vector=passages.rows[0])) is None
    arm.close()


def test_taking_in_waits_while_graphs_are_behind(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, real = threading.Event(), graph.build

    def slow(*args: object) -> object:
        go_on.wait()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(graph, "build", slow)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    writer = threading.Thread(target=feed, args=(arm, passages.puts(range(300))))
    writer.start()
    while arm.seq < SMALL.tail_max:
        time.sleep(0.005)
    assert len(asked(arm, passages.rows[0], window=300)) == SMALL.tail_max, "what waits is searched exactly"
    writer.join(0.05)
    assert writer.is_alive()
    go_on.set()
    writer.join()
    assert arm.ids() == passages.ids(range(300))
    arm.close()


def test_a_merge_pauses_for_a_full_tail_and_goes_on(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it not so, new rows would wait until the merge has ended, or it would begin again for ever."""
    merging, go_on, real = threading.Event(), threading.Event(), graph.build
    done: list[int] = []

    def watched(vectors: Vectors, breadth: graph.Breadth, may_go_on: Callable[[], bool]) -> object:
        if len(vectors) > SMALL.segment_size:
            merging.set()
            go_on.wait()
        built = real(vectors, breadth, may_go_on)
        done.append(len(vectors))
        return built

    monkeypatch.setattr(graph, "build", watched)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    for segments, start in enumerate(range(0, 256, 64), start=1):
        arm.apply(passages.puts(range(start, start + 64), first=start + 1))
        while len(done) < segments:  # tails that wait together would become one segment
            time.sleep(0.001)
    assert merging.wait(30)
    feed(arm, passages.puts(range(256, 340), first=257))
    go_on.set()
    arm.settle()
    assert done == [64, 64, 64, 64, 64, 256, 320]
    assert arm.ids() == passages.ids(range(340))
    arm.close()


def test_tails_that_wait_together_become_one_segment(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would soon be merged anyway."""
    go_on, real = threading.Event(), graph.build
    built: list[int] = []

    def watched(vectors: Vectors, breadth: graph.Breadth, may_go_on: Callable[[], bool]) -> object:
        built.append(len(vectors))
        assert go_on.wait(30)
        return real(vectors, breadth, may_go_on)

    monkeypatch.setattr(graph, "build", watched)
    arm = DenseArm(HybridSettings(segment_size=64, tail_max=1024))
    arm.open(None, passages.stamp)
    for start in range(0, 384, 64):
        arm.apply(passages.puts(range(start, start + 64), first=start + 1))
        while not built:
            time.sleep(0.001)
    go_on.set()
    arm.settle()
    assert built == [64, 256, 64, 384]
    assert arm.ids() == passages.ids(range(384))
    arm.close()


def test_a_graph_that_cannot_be_built_is_reported_and_nothing_lost(
    passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise MemoryError("no room")

    monkeypatch.setattr(graph, "build", broken)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    with pytest.raises(PluginError, match="no room"):
        feed(arm, passages.puts(range(300)))
    held = arm.seq
    assert held == SMALL.tail_max
    assert asked(arm, passages.rows[0])[0].id == passages.id(0)
    monkeypatch.undo()
    arm.apply(passages.puts(range(300))[held:])
    arm.settle()
    assert arm.ids() == passages.ids(range(300))
    arm.close()


def test_closing_ends_the_thread(passages: Passages) -> None:
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    arm.apply(passages.puts(range(600)))
    arm.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("patina-dense-notes")]


def test_searching_goes_on_while_rows_come_seal_merge_and_die(passages: Passages) -> None:
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    arm.apply(passages.puts(range(100)))
    done, wrong = threading.Event(), []

    def ask() -> None:
        while not done.is_set():
            for number in range(0, 100, 11):  # these are never deleted
                found = asked(arm, passages.rows[number], window=20)
                if found[0].id != passages.id(number) or any(a.score < b.score for a, b in pairwise(found)):
                    wrong.append((number, found))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    seq = 101
    for number in range(100, 600):
        changes: list[Change] = [passages.put(number, seq)]
        if number % 3 == 0:
            changes.append(passages.delete(number, seq + 1))
        arm.apply(changes)
        seq += 2
    arm.settle()
    done.set()
    for asker in askers:
        asker.join()
    assert wrong == []
    assert arm.ids() == passages.ids(set(range(600)) - set(range(102, 600, 3)))
    arm.close()


def test_segments_are_written_once_and_tails_grow(passages: Passages, tmp_path: Path) -> None:
    arm = DenseArm(SMALL)
    arm.open(tmp_path, passages.stamp)
    arm.apply(passages.puts(range(70)))
    arm.settle()
    arm.checkpoint()
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("segment-*")}
    assert len(written) == 2
    arm.apply(passages.puts(range(70, 90), first=71))
    arm.checkpoint()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("segment-*")} == written
    assert len(list(tmp_path.glob("tail-*"))) == 2
    arm.close()


def test_reopened_it_goes_on_where_it_was(passages: Passages, tmp_path: Path) -> None:
    for round_ in range(6):
        arm = DenseArm(SMALL)
        assert arm.open(tmp_path, passages.stamp) == round_ * 100
        assert arm.ids() == passages.ids(range(round_ * 100))
        arm.apply(passages.puts(range(round_ * 100, round_ * 100 + 100), first=round_ * 100 + 1))
        if round_ % 2:
            arm.settle()
        assert arm.checkpoint() == round_ * 100 + 100
        assert arm.verify(full=True) == []
        arm.close()
    arm = DenseArm(SMALL)
    arm.open(tmp_path, passages.stamp)
    assert recall(arm, passages, range(600)) >= 0.97
    arm.close()


def test_recall_at_the_default_sizes() -> None:
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((60, 64))
    rows = (centres[rng.integers(0, 60, 9_000)] + 0.6 * rng.standard_normal((9_000, 64))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = HybridIndex(HybridSettings())
    index.open(None, Stamp(collection="notes", identity="a", dimension=64))
    index.apply([Change(seq=row + 1, op="put", id=f"{row:05}", text="x", vector=rows[row]) for row in range(9_000)])
    hits = 0
    for question in rows[:3_000:50]:
        (ranking,) = index.rank(Query(vector=question, window=50))
        right = {f"{row:05}" for row in np.argsort(-(rows @ question))[:10]}
        hits += len(right & {candidate.id for candidate in ranking.candidates[:10]})
    index.close()
    assert hits >= 0.97 * 600


def test_in_a_quiet_time_segments_become_one(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "QUIET_S", 0.3)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    limit = time.monotonic() + 30
    for segments, start in enumerate((0, 75), start=1):
        arm.apply(passages.puts(range(start, start + 75), first=start + 1))
        while arm.stats()["dense_segments"] != segments and time.monotonic() < limit:
            time.sleep(0.001)
    while arm.stats()["dense_segments"] != 1 and time.monotonic() < limit:
        time.sleep(0.01)
    assert arm.stats()["dense_segments"] == 1
    assert arm.ids() == passages.ids(range(150))
    arm.close()


def test_closing_does_not_wait_for_a_quiet_time(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "QUIET_S", 10_000.0)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    arm.apply(passages.puts(range(150)))
    arm.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("patina-dense-notes")]


def test_what_is_beside_a_graph_is_searched_less_widely() -> None:
    assert graph.ef_of_share(128, 1.0) == 128
    assert graph.ef_of_share(128, 0.5) == 91
    assert graph.ef_of_share(128, 0.01) == 64


def test_more_rows_are_searched_a_little_more_widely() -> None:
    assert graph.ef_of_share(128, 1.0, times=0.1) == 128
    assert graph.ef_of_share(128, 1.0, times=256) == 256
