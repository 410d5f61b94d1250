"""Disks that can be filled, and disks whose power can be cut."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
"""The journal is not written out: what was not synced is gone."""
IMAGE_BYTES = 48 << 20
TRIES = 50
PAUSE_S = 0.1


class Disk:
    """An ext4 file system in a file. Its own timer is so slow that only what is synced reaches the image."""

    def __init__(self, image: Path, at: Path) -> None:
        self.image = image
        self.at = at
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        at.mkdir()
        _call("mkfs.ext4", "-q", "-F", str(image))
        self.mount()

    def mount(self) -> None:
        """After a power cut the kernel replays the journal here."""
        _call("mount", "-o", "loop,commit=300", str(self.image), str(self.at))

    def cut(self) -> None:
        """Take the power away: from now on nothing reaches the image."""
        folder = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(folder)

    def unmount(self) -> None:
        _unmount(self.at)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    made = Disk(folder / "disk.image", folder / "disk")
    try:
        yield made
    finally:
        if os.path.ismount(made.at):
            made.unmount()
        made.image.unlink()


@contextmanager
def small(at: Path, size: int) -> Iterator[Path]:
    """A disk in memory of `size` bytes."""
    at.mkdir()
    _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at))
    try:
        yield at
    finally:
        _unmount(at)


def _unmount(at: Path) -> None:
    """It is busy for a moment after its last process has ended."""
    for _ in range(TRIES):
        done = subprocess.run(["umount", str(at)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(PAUSE_S)
    raise OSError(f"{at} cannot be unmounted: {done.stderr}")


def _call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
