"""A process is killed while it brings an older store up to date, at each of its writes and syncs.

Run as a program, this file makes one older store after the other in the folder it is given, and forks a child for each
that opens it and dies one step later than the last. It says the children's ends, up to the first that lived.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from patina.store import Store

FORMAT_1 = Path(__file__).parents[1] / "unit" / "store" / "resources" / "format-1.sql"
PASSAGES = ["one", "two", "three", "five"]

pytestmark = pytest.mark.crash


class Mortal(apsw.VFS):
    """The real disk, under a process that dies just before its Nth write, sync or removal."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.real = apsw.vfs_names()[0]
        super().__init__("mortal", self.real, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return MortalFile(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:
        self.step()
        super().xDelete(name, sync)

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalFile(apsw.VFSFile):
    def __init__(self, disk: Mortal, name: Any, flags: list[int]) -> None:
        self.disk = disk
        super().__init__(disk.real, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.step()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self.disk.step()
        super().xSync(flags)


def live_ever_longer(folder: Path) -> None:
    old = folder / "old.db"
    make_old(old)
    for steps in range(500):
        path = folder / f"{steps}" / "patina.db"
        path.parent.mkdir()
        shutil.copy(old, path)
        if (child := os.fork()) == 0:
            disk = Mortal(steps)
            Store.open(path).close()
            disk.unregister()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        if status == 0:
            return


def make_old(path: Path) -> None:
    old = apsw.Connection(str(path))
    old.execute(FORMAT_1.read_text())
    old.pragma("journal_mode", "wal")
    old.close()


def test_a_kill_at_any_moment_leaves_a_store_that_opens_whole(tmp_path: Path) -> None:
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    ends = [int(line) for line in done.stdout.splitlines()]
    assert ends == [-signal.SIGKILL] * (len(ends) - 1) + [0]
    assert len(ends) > 10
    paths = [tmp_path / f"{steps}" / "patina.db" for steps in range(len(ends))]
    formats = [format_of(path) for path in paths]
    assert formats[0] == 1
    assert formats == sorted(formats), "a format, once reached, is not lost again"
    for path in paths:
        opens_whole(path)


def format_of(path: Path) -> int:
    """Looked up in a copy, so that the store's own files stay as the kill left them."""
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        if (file := path.with_name(path.name + suffix)).exists():
            copy.with_name(copy.name + suffix).write_bytes(file.read_bytes())
    connection = apsw.Connection(str(copy))
    found = connection.pragma("user_version")
    connection.close()
    return int(found)


def opens_whole(path: Path) -> None:
    store = Store.open(path)
    assert store.check(full=True) == []
    assert [chunk.text for chunk in store.iterate("papers")] == PASSAGES
    assert store.jobs() == []
    store.close()
    backup = apsw.Connection(str(path.with_name("patina.db.format-1")))
    assert backup.pragma("user_version") == 1
    assert backup.pragma("integrity_check") == "ok"
    assert backup.execute("SELECT count(*) FROM chunks").get == len(PASSAGES)
    backup.close()


if __name__ == "__main__":
    live_ever_longer(Path(sys.argv[1]))
