"""Who owns a home: a kernel lock, held for life.

The kernel lets go of a `flock` when its holder ends, however it ends. So a killed daemon leaves nothing to clean up,
and a process id that was used again deceives nobody. What stands in the file is for people and for error messages.
"""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from patina import __version__
from patina.errors import ConfigError, Locked

GLANCE_S = 0.1
"""Whoever looks whether a lock is held holds it for a moment; this is how long an owner outwaits such glances."""
POLL_S = 0.02


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that owns a home, by its own words."""

    pid: int
    started: float
    """Unix time."""
    version: str
    endpoints: list[str] = []
    """Where its doors are; empty when it has none, or none yet."""


class HomeLock:
    """The right to be the one process that opens a home. Released with the process at the latest."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the home, making it (mode 0700) if it is new. Raises `Locked`, naming the holder, at once."""
        path = private_folder(self._home) / "daemon.lock"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(f"The lock {path} cannot be opened: {error.strerror}.", param="home") from None
        if not locked_within(file, fcntl.LOCK_EX, GLANCE_S):
            os.close(file)
            raise held_by_another(self._home)
        self._file = file
        announce(self._home, [])

    def release(self) -> None:
        """Give the home back. The file stays: removing it would let two processes lock two files of one name."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def announce(home: Path, endpoints: list[str]) -> None:
    """Write down who holds the lock and where its doors are; only for the process that does."""
    mine = Holder(pid=os.getpid(), started=time.time(), version=__version__, endpoints=endpoints)
    (home / "daemon.lock").write_bytes(msgspec.json.encode(mine) + b"\n")


def holder(home: Path) -> Holder | None:
    """What the lock's file says. It may be out of date: only a connection tells whether that process lives."""
    try:
        return msgspec.json.decode((home / "daemon.lock").read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None


def wait_until_free(home: Path, timeout_s: float) -> bool:
    """Whether nobody holds the home, now or within the time."""
    try:
        file = os.open(home / "daemon.lock", os.O_RDONLY)
    except OSError:
        return True
    try:
        return locked_within(file, fcntl.LOCK_SH, timeout_s)
    finally:
        os.close(file)


def held_by_another(home: Path) -> Locked:
    """The error that names the holder of a home, as far as it has said who it is."""
    known = holder(home)
    who = f"Another process ({known.pid})" if known else "Another process"
    return Locked(
        f"{who} holds {home}.",
        hint="Wait for it, end it with 'patina daemon stop', or use another PATINA_HOME.",
    )


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700 if it is new. Raises `ConfigError` when it cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder {path} cannot be made: {error.strerror}.",
            hint="Choose another home with PATINA_HOME.",
            param="home",
        ) from None
    return path


def locked_within(file: int, kind: int, timeout_s: float) -> bool:
    """Whether the lock (`fcntl.LOCK_EX` or `LOCK_SH`) could be taken in time."""
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(POLL_S)
        else:
            return True
