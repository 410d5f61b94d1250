"""Who owns a home."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from patina import lock
from patina.errors import ConfigError, Locked
from patina.lock import HomeLock, holder, wait_until_free

HOLD = """
import sys, time
from pathlib import Path
from patina.lock import HomeLock
HomeLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def another_process_holding(home: Path) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


def test_the_error_names_the_process_that_holds_the_home(tmp_path: Path) -> None:
    with another_process_holding(tmp_path) as pid, pytest.raises(Locked) as caught:
        HomeLock(tmp_path).acquire()
    assert str(pid) in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert caught.value.outcome.exit_code == 4


def test_a_killed_holder_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    with another_process_holding(tmp_path):
        pass
    mine = HomeLock(tmp_path)
    mine.acquire()
    assert (known := holder(tmp_path)) is not None
    assert known.pid == os.getpid()
    mine.release()


def test_one_process_does_not_take_its_own_home_twice(tmp_path: Path) -> None:
    mine = HomeLock(tmp_path)
    mine.acquire()
    with pytest.raises(Locked):
        HomeLock(tmp_path).acquire()
    mine.release()
    HomeLock(tmp_path).release()  # never held: nothing happens
    mine.acquire()
    mine.release()


def test_the_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    mine = HomeLock(home)
    mine.acquire()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "daemon.lock").stat().st_mode & 0o777 == 0o600
    mine.release()


def test_a_home_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="file/home"):
        HomeLock(tmp_path / "file" / "home").acquire()


def test_whoever_only_looks_does_not_keep_an_owner_out(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").touch()
    glance = os.open(tmp_path / "daemon.lock", os.O_RDONLY)
    fcntl.flock(glance, fcntl.LOCK_SH)
    threading.Timer(lock.GLANCE_S / 4, os.close, [glance]).start()
    mine = HomeLock(tmp_path)
    mine.acquire()
    mine.release()


def test_the_doors_are_written_down_until_the_home_is_given_back(tmp_path: Path) -> None:
    mine = HomeLock(tmp_path)
    mine.acquire()
    lock.announce(tmp_path, ["http://127.0.0.1:1"])
    assert (known := holder(tmp_path)) is not None
    assert known.endpoints == ["http://127.0.0.1:1"]
    mine.release()
    assert holder(tmp_path) is None


def test_waiting_ends_when_the_holder_does(tmp_path: Path) -> None:
    assert wait_until_free(tmp_path, 0)
    with another_process_holding(tmp_path) as pid:
        assert not wait_until_free(tmp_path, 0)
        threading.Timer(0.05, os.kill, [pid, signal.SIGKILL]).start()
        assert wait_until_free(tmp_path, 30)


@pytest.mark.parametrize("content", [b"", b"not json", b"{}", b'{"pid": "x"}', b"\xff"])
def test_a_damaged_note_is_no_note(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "daemon.lock").write_bytes(content)
    assert holder(tmp_path) is None
    mine = HomeLock(tmp_path)
    mine.acquire()
    mine.release()
