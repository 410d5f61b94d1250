"""Files that other processes may be writing or reading at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patina.errors import Locked

_WAIT_S = 300.0
_RETRY_S = 0.05


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process that writes in `folder`, which is created; the kernel frees the lock of a dead one.

    Raises `Locked` after 300 seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        deadline = time.monotonic() + _WAIT_S
        while not _try(file.fileno()):
            if time.monotonic() > deadline:
                raise Locked(
                    f"Another process has been writing {folder} for {_WAIT_S:.0f} seconds.",
                    hint="End it, and try again.",
                )
            time.sleep(_RETRY_S)
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace(path: Path, data: bytes) -> None:
    """Write `path` whole or not at all, and durably. One writer at a time."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256(path: Path) -> str:
    """In hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def modified(path: Path) -> int:
    """Unix time; 0 if there is no such file."""
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0
