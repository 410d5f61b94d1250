"""Whatever happens to a file, the process lives and the answers are right after the log has come again."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from patina.types import Change

    from .conftest import Passages

BLOCK = 4096


def flip_a_bit(raw: bytearray, dice: random.Random) -> None:
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)


def flip_a_bit_of_the_head(raw: bytearray, dice: random.Random) -> None:
    raw[dice.randrange(min(96, len(raw)))] ^= 1 << dice.randrange(8)


def zero_a_block(raw: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(raw))
    raw[start : start + BLOCK] = bytes(len(raw[start : start + BLOCK]))
    raw[start] ^= 1  # in case it was zero already


def cut(raw: bytearray, dice: random.Random) -> None:
    del raw[dice.randrange(len(raw)) :]


def empty(raw: bytearray, dice: random.Random) -> None:  # noqa: ARG001
    raw.clear()


def scramble(raw: bytearray, dice: random.Random) -> None:
    raw[:] = dice.randbytes(len(raw))


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_a_bit,
    flip_a_bit_of_the_head,
    zero_a_block,
    cut,
    empty,
    scramble,
)


def history(passages: Passages) -> list[Change]:
    """Enough for segments, a tail, a merge, dead rows and deletes."""
    log = passages.puts(range(300))
    log += [passages.delete(number, 301 + at) for at, number in enumerate(range(0, 300, 6))]
    return log


@pytest.fixture(scope="module", params=["tantivy", "rank-bm25"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def good(engine: str, passages: Passages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A healthy index of the whole history."""
    folder = tmp_path_factory.mktemp("good")
    index = HybridIndex(HybridSettings(lexical=engine, segment_size=64, tail_max=128))  # type: ignore[arg-type]
    index.open(folder, passages.stamp)
    for change in history(passages):
        index.apply([change])
    index.checkpoint()
    index.close()
    return folder


def write_log(path: Path, log: list[Change]) -> None:
    rows = [{field: getattr(change, field) for field in ("seq", "op", "id", "path", "text")} for change in log]
    vectors = [None if change.vector is None else change.vector.tolist() for change in log]
    path.write_text("\n".join(json.dumps({**row, "vector": v}) for row, v in zip(rows, vectors, strict=True)))


def reopen(engine: str, log: list[Change], folders: list[Path], tmp_path: Path) -> list[dict[str, object]]:
    """What the program `reopen.py` says of each folder; fails when it did not live to the end."""
    write_log(tmp_path / "log", log)
    program = Path(__file__).parent / "reopen.py"
    done = subprocess.run(
        [sys.executable, str(program), engine, str(tmp_path / "log"), *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_undamaged_copy_is_believed(engine: str, good: Path, passages: Passages, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good, copy)
    (said,) = reopen(engine, history(passages), [copy], tmp_path)
    assert said == {"folder": str(copy), "held": 350, "right": True}


def test_a_damaged_file_neither_crashes_nor_lies(engine: str, good: Path, passages: Passages, tmp_path: Path) -> None:
    dice = random.Random(1)
    files = [path.relative_to(good) for path in sorted(good.rglob("*")) if path.is_file() and path.stat().st_size]
    scratch = {file for file in files if file.parts[:2] == ("lexical", "live")}  # made again at every start
    copies = []
    for number, file in enumerate(file for file in files if file not in scratch):
        for damage in dice.sample(DAMAGES, 2):
            copy = tmp_path / f"{number}-{damage.__name__}"
            shutil.copytree(good, copy)
            raw = bytearray((copy / file).read_bytes())
            damage(raw, dice)
            (copy / file).write_bytes(raw)
            copies.append(copy)
    assert len(copies) >= 6
    said = reopen(engine, history(passages), copies, tmp_path)
    assert [one for one in said if not one["right"] or one["held"] != 0] == []
    assert len(said) == len(copies)


def test_missing_swapped_and_leftover_files(engine: str, good: Path, passages: Passages, tmp_path: Path) -> None:
    files = [path.relative_to(good) for path in sorted(good.rglob("*")) if path.is_file()]
    copies = []
    for number, (file, other) in enumerate(zip(files, files[1:] + files[:1], strict=True)):
        copies.append(tmp_path / f"copy-{number}")
        shutil.copytree(good, copies[-1])
        if number % 2:
            (copies[-1] / file).unlink()
        else:
            shutil.copyfile(good / other, copies[-1] / file)
    leftover = tmp_path / "leftover"
    shutil.copytree(good, leftover)
    for name in ("dense/segment-99.graph", "dense/manifest.json.tmp", "lexical/live/x.del", "lexical/x.tmp"):
        if (leftover / name).parent.exists():
            (leftover / name).write_bytes(b"left by a crash")
    said = reopen(engine, history(passages), [*copies, leftover], tmp_path)
    assert [one for one in said if not one["right"]] == []
    assert said[-1]["held"] == 350


def test_damage_under_an_open_index_is_told(engine: str, good: Path, passages: Passages, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good, copy)
    index = HybridIndex(HybridSettings(lexical=engine, segment_size=64, tail_max=128))  # type: ignore[arg-type]
    assert index.open(copy, passages.stamp) == 350
    assert index.verify(full=True) == []
    for arm in ("dense", "lexical"):
        files = [path for path in (copy / arm).rglob("*") if path.is_file() and path.parent.name != "live"]
        max(files, key=lambda path: path.stat().st_size).unlink()
    assert [fault.where for fault in index.verify()] == ["notes/dense", "notes/lexical"]
    index.close()


def test_a_crash_between_the_arms_is_mended(engine: str, good: Path, passages: Passages, tmp_path: Path) -> None:
    """The dense arm was saved later than the lexical one, and the other way round: the log comes from the older."""
    older = tmp_path / "older"
    index = HybridIndex(HybridSettings(lexical=engine, segment_size=64, tail_max=128))  # type: ignore[arg-type]
    index.open(older, passages.stamp)
    index.apply(history(passages)[:120])
    index.checkpoint()
    index.close()
    for number, arm in enumerate(("dense", "lexical")):
        mixed = tmp_path / f"mixed-{number}"
        shutil.copytree(good, mixed)
        shutil.rmtree(mixed / arm)
        shutil.copytree(older / arm, mixed / arm)
    said = reopen(engine, history(passages), [tmp_path / "mixed-0", tmp_path / "mixed-1"], tmp_path)
    assert [(one["held"], one["right"]) for one in said] == [(120, True), (120, True)]


def test_stopped_at_any_moment_of_a_checkpoint_it_holds_the_old_or_the_new(
    engine: str, passages: Passages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is copied before each flush to the disk, as a crash at that moment would leave it."""
    log = history(passages)
    home = tmp_path / "index"
    index = HybridIndex(HybridSettings(lexical=engine, segment_size=64, tail_max=128))  # type: ignore[arg-type]
    index.open(home, passages.stamp)
    index.apply(log[:200])
    index.checkpoint()
    index.apply(log[200:])
    copies: list[Path] = []
    real = os.fsync

    def copy_and_flush(descriptor: int) -> None:
        copies.append(tmp_path / f"moment-{len(copies)}")
        shutil.copytree(home, copies[-1], ignore=shutil.ignore_patterns("live"))  # scratch, and restless
        real(descriptor)

    monkeypatch.setattr(os, "fsync", copy_and_flush)
    index.checkpoint()
    monkeypatch.undo()
    index.close()
    said = reopen(engine, log, [*copies, home], tmp_path)
    assert len(copies) >= 6
    assert [one for one in said if one["held"] not in {200, 350} or not one["right"]] == []
    assert said[-1]["held"] == 350
