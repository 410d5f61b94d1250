"""SQLite's log of writes as a file: its end, what lies behind it, and making it durable by hand.

Layout (https://sqlite.org/fileformat2.html#walformat): a header of 32 bytes with two salts at byte 16, then frames,
each a header of 24 bytes with the same salts at byte 8, and a page. Frames of an earlier generation have other salts.
SQLite holds no lock on this file, so that opening and closing it here takes none away.
"""

from __future__ import annotations

import os
from pathlib import Path

from patina import durable

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_SALTS_BYTES = 8
_SALTS_IN_HEADER = 16
_SALTS_IN_FRAME = 8
_BLOCK_BYTES = 1 << 20


def beside(path: Path) -> Path:
    """Where the log of writes of a database lies."""
    return path.with_name(f"{path.name}-wal")


def end(pages: int, page_bytes: int) -> int:
    """The size in bytes of a log of so many pages."""
    return _HEADER_BYTES + pages * (_FRAME_HEADER_BYTES + page_bytes)


def cut(file: Path, size: int) -> None:
    """Remove all that lies behind `size`. Raises `OSError`."""
    if file.exists() and file.stat().st_size > size:
        os.truncate(file, size)


def unfinished(file: Path, size: int) -> int:
    """The bytes behind `size` that belong to the last generation: of a transaction whose end never came."""
    with file.open("rb") as log:
        salts = log.read(_HEADER_BYTES)[_SALTS_IN_HEADER:][:_SALTS_BYTES]
        log.seek(size + _SALTS_IN_FRAME)
        ours = log.read(_SALTS_BYTES) == salts
        return log.seek(0, os.SEEK_END) - size if ours and salts else 0


def sync(file: Path) -> None:
    """Wait until it is on the disk. Raises `OSError`."""
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        durable.sync(handle)
    finally:
        os.close(handle)


def rewrite(file: Path) -> None:
    """Write every byte again as it is, and sync.

    After a sync that failed the kernel may take the written for clean, and the next sync would succeed without them.
    Raises `OSError`.
    """
    if not file.exists():
        return
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        at = 0
        while block := os.pread(handle, _BLOCK_BYTES, at):
            at += os.pwrite(handle, block, at)
        durable.sync(handle)
    finally:
        os.close(handle)
