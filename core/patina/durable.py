"""Files that appear under their own name only once they are whole and on the disk, and are nobody else's to read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A new file to write into, which takes the place of `target` at the end."""
    file = target.with_name(f"{target.name}.unfinished")
    file.unlink(missing_ok=True)
    private_file(file)
    try:
        yield file
        with file.open("rb") as handle:
            sync(handle.fileno())
        file.replace(target)
        sync_folder(target.parent)
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def sync(handle: int) -> None:
    """Wait until a file is on the disk. On macOS fsync alone leaves it in the disk's own cache."""
    full: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if full is None:
        os.fsync(handle)
    else:
        fcntl.fcntl(handle, full)


def private_file(path: Path) -> None:
    """Make sure that the file exists; a new one is nobody else's to read."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def sync_folder(folder: Path) -> None:
    """Make a file's new name durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(handle)
    finally:
        os.close(handle)
