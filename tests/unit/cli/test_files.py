"""Where a command's output goes: a file is replaced as a whole, and what is no file is left what it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from patina.cli._files import replacing
from patina.errors import Failed


def test_a_file_is_replaced_once_all_is_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    with replacing(tmp_path / "out") as file:
        file.write(b"new")
        assert (tmp_path / "out").read_text() == "old"
    assert (tmp_path / "out").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_breaks_off_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    with pytest.raises(Failed, match="No space left"), replacing(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out": "old"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "there" / "real")
    with replacing(tmp_path / "out") as file:
        file.write(b"new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "there" / "real").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with replacing(pipe) as file:
        file.write(b"line\n")
    reader.join(timeout=10)
    assert read == [b"line\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_that_is_full_says_so_and_stays_one() -> None:
    device = Path("/dev/full")
    if not device.is_char_device():
        pytest.skip("needs /dev/full")
    with pytest.raises(Failed, match="No space left"), replacing(device) as file:
        file.write(b"line\n" * 10_000)
    assert device.is_char_device()
