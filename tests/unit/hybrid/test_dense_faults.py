"""The dense arm when its thread, its files or the disk fail: nothing hangs, nothing is lost, nothing wrong is said."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import shutil
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from patina.errors import Failed, PluginError
from patina.types import Query
from patina_hybrid.dense import graph
from patina_hybrid.dense.arm import DenseArm
from patina_hybrid.dense.inspection import inspect
from patina_hybrid.dense.segment import Segment
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Passages

SMALL = HybridSettings(segment_size=64, tail_max=128)


def opened(folder: Path, passages: Passages) -> DenseArm:
    arm = DenseArm(SMALL)
    arm.open(folder, passages.stamp)
    return arm


def saved(folder: Path, passages: Passages, count: int = 230) -> None:
    """A segment for each 64, and a tail."""
    arm = opened(folder, passages)
    for start in range(0, count, SMALL.segment_size):
        end = min(start + SMALL.segment_size, count)
        arm.apply(passages.puts(range(start, end), first=start + 1))
        while arm.stats()["dense_segments"] < end // SMALL.segment_size:
            time.sleep(0.005)
    arm.checkpoint()
    arm.close()


def few(arm: DenseArm, passages: Passages, number: int) -> list[str]:
    """What a filter for a passage and its neighbour finds: vectors are read, no graph is asked."""
    only = passages.ids([number, number + 1])
    candidates = arm.rank(Query(vector=passages.rows[number], window=5, only=only))
    return [candidate.id for candidate in candidates or ()]


@pytest.mark.parametrize("error", [OSError("no more threads"), ValueError("odd"), KeyError("gone")])
def test_whatever_ends_the_thread_nobody_waits_for_ever(
    passages: Passages, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object) -> object:
        raise error

    monkeypatch.setattr(graph, "build", broken)
    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    arm.apply(passages.puts(range(130)))
    with pytest.raises(PluginError, match="could not be built"):
        arm.apply([passages.put(130, 131)])
    arm.settle()
    arm.close()


def test_a_thread_that_cannot_start_is_no_thread(passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    arm = DenseArm(SMALL)
    arm.open(None, passages.stamp)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    arm.apply(passages.puts(range(100)))
    arm.settle()
    monkeypatch.undo()
    arm.apply(passages.puts(range(100, 110), first=101))
    arm.settle()
    assert arm.stats()["dense_segments"] == 1
    arm.close()


@pytest.mark.parametrize("kind", ["ids", "graph", "vectors"])
def test_sound_parts_answer_while_the_log_comes_again(passages: Passages, tmp_path: Path, kind: str) -> None:
    saved(tmp_path, passages)
    next(tmp_path.glob(f"*.{kind}")).write_bytes(b"damaged")
    arm = opened(tmp_path, passages)
    assert arm.seq == 0, "the whole log is asked for"
    kept = arm.ids()
    assert 100 < len(kept) < 230
    number = int(min(kept), 16)
    assert few(arm, passages, number)[0] == passages.id(number)
    changes = passages.puts(range(230))
    changes += [passages.delete(number, 231)]
    for start in range(0, len(changes), 40):
        arm.apply(changes[start : start + 40])
    arm.settle()
    assert arm.ids() == passages.ids(range(230)) - {passages.id(number)}
    assert arm.stats()["dense_dead"] <= 1, "what was sound is not taken in twice"
    assert arm.checkpoint() == 231
    assert arm.verify(full=True) == []
    arm.close()


def test_an_older_copy_of_everything_is_an_older_state(passages: Passages, tmp_path: Path) -> None:
    home, old = tmp_path / "home", tmp_path / "old"
    saved(home, passages, 100)
    shutil.copytree(home, old)
    saved(home, passages, 230)
    shutil.rmtree(home)
    shutil.copytree(old, home)
    arm = opened(home, passages)
    assert (arm.seq, arm.ids()) == (100, passages.ids(range(100)))
    arm.close()


def test_an_older_file_under_a_newer_manifest_is_noticed(passages: Passages, tmp_path: Path) -> None:
    home, old = tmp_path / "home", tmp_path / "old"
    saved(home, passages, 200)
    shutil.copytree(home, old)
    arm = opened(home, passages)
    arm.apply(passages.puts(range(200, 215), first=201))
    arm.checkpoint()
    arm.close()
    name = next(home.glob("tail-*.vectors")).name
    assert (old / name).exists()
    shutil.copyfile(old / name, home / name)
    arm = opened(home, passages)
    assert arm.seq == 0
    arm.close()


def test_a_file_that_is_cut_while_it_is_in_use_is_an_error(passages: Passages, tmp_path: Path) -> None:
    """Reading a mapped file beyond its end would end the process."""
    saved(tmp_path / "dense", passages)
    index = HybridIndex(SMALL)
    index.open(tmp_path, passages.stamp)
    for path in (tmp_path / "dense").glob("*.graph"):
        os.truncate(path, 50)
    with pytest.raises(Failed, match="cut while it was in use"):
        index.rank(Query(vector=passages.rows[1], only=passages.ids([1, 2])))
    assert index.verify() != []
    index.drop()
    index.apply(passages.puts(range(30)))
    assert index.ids("dense") == passages.ids(range(30))
    index.close()


def test_a_full_disk_leaves_the_old_state_and_is_forgotten_when_there_is_room(
    passages: Passages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each flush to the disk of a checkpoint fails once."""
    log = passages.puts(range(330))
    real = os.fsync
    for fatal in range(1, 30):
        home = tmp_path / str(fatal)
        saved(home / "dense", passages, 100)
        index = HybridIndex(SMALL)
        index.open(home, passages.stamp)
        index.apply(log)
        index._dense.settle()
        left = itertools.count(fatal - 1, -1)

        def full(descriptor: int, left: Iterator[int] = left) -> None:
            if next(left) == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        failed = False
        try:
            index.checkpoint()
        except Failed as error:
            failed = True
            assert "space" in str(error)
        monkeypatch.undo()
        copy = tmp_path / f"copy-{fatal}"
        shutil.copytree(home / "dense", copy)
        arm = opened(copy, passages)
        assert arm.seq in {100, 330}
        assert arm.ids() == passages.ids(range(arm.seq))
        arm.close()
        assert index.checkpoint() == 330
        index.close()
        arm = opened(home / "dense", passages)
        assert (arm.seq, arm.ids()) == (330, passages.ids(range(330)))
        assert arm.verify(full=True) == []
        arm.close()
        if not failed:
            break
    assert 6 < fatal < 29, "every flush was hit, and then none any more"


def test_a_graph_that_the_disk_takes_in_part_is_not_believed(passages: Passages, tmp_path: Path) -> None:
    """The library does not notice: its checksum would be that of the part."""
    saved(tmp_path / "whole", passages, 64)
    size = next((tmp_path / "whole").glob("*.graph")).stat().st_size
    arm = opened(tmp_path / "cut", passages)
    arm.apply(passages.puts(range(64)))
    arm.settle()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 3, before[1]))
    try:
        with pytest.raises(OSError, match="did not take the whole graph"):
            arm.checkpoint()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert arm.checkpoint() == 64
    arm.close()
    arm = opened(tmp_path / "cut", passages)
    assert arm.ids() == passages.ids(range(64))
    arm.close()


def test_what_does_not_belong_there_is_removed(passages: Passages, tmp_path: Path) -> None:
    saved(tmp_path, passages)
    (tmp_path / "segment-77.graph").write_bytes(b"left by a crash")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "file").write_bytes(b"?")
    (tmp_path / "link").symlink_to("/nowhere")
    arm = opened(tmp_path, passages)
    assert arm.seq == 230
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".ids", ".graph", ".vectors"}
    arm.close()


def test_asking_goes_on_during_drop_and_close(passages: Passages, tmp_path: Path) -> None:
    saved(tmp_path, passages)
    arm = opened(tmp_path, passages)
    done = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not done.is_set():
            try:
                found = few(arm, passages, 3)
            except Exception as error:  # the test reports it
                wrong.append(error)
                return
            if found not in ([], [passages.id(3), passages.id(4)]):
                wrong.append(found)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for _ in range(5):
        arm.drop()
        arm.apply(passages.puts(range(100)))
        arm.settle()
        arm.checkpoint()
    arm.close()
    done.set()
    for asker in askers:
        asker.join()
    assert wrong == []


def test_reading_every_entry_finds_what_does_not_fit(passages: Passages) -> None:
    def segment(rows: np.ndarray, graph_rows: np.ndarray, numbers: range) -> Segment:
        built = graph.build(graph_rows, graph.Breadth(8, 32), lambda: True)
        assert built is not None
        return Segment([passages.id(n) for n in numbers], rows, np.ones(len(rows), np.bool_), built)

    rows = passages.rows
    sound = segment(rows[:20], rows[:20], range(20))
    swapped = segment(rows[20:40], rows[40:60], range(20, 40))
    short = segment(rows[20:40], rows[20:39], range(20, 40))
    long = segment(rows[40:50] * 2, rows[40:50] * 2, range(40, 50))
    assert inspect([sound.view]) == []
    assert inspect([sound.view, swapped.view]) == ["20 vectors in a graph are not those of its file"]
    assert inspect([short.view]) == ["a graph does not hold the rows of its segment"]
    assert inspect([sound.view, sound.view]) == ["20 passages are held twice"]
    assert inspect([long.view]) == ["10 vectors are not of unit length"]
