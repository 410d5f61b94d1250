"""Files that are believed only when a manifest knows their size and checksum.

The order of writing is what makes this safe: a file is written under a temporary name, flushed to the disk, renamed,
and its folder flushed; the manifest that names it comes last, in the same way. A crash in between leaves the old
manifest with the old files. Nothing here trusts a length or a name that was not covered by a checksum.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

T = TypeVar("T")

MANIFEST = "manifest.json"
BLOCK_BYTES = 1 << 20


class FileRecord(msgspec.Struct, frozen=True):
    """What a file must be: its bytes, and their SHA-256 in hex."""

    size: int
    checksum: str


def new_hash() -> hashlib._Hash:
    """SHA-256: processors have instructions for it, with which a restart reads twice as fast as with blake2b."""
    return hashlib.sha256(usedforsecurity=False)


def save(folder: Path, manifest: msgspec.Struct) -> None:
    """Put `manifest` into `folder`, as JSON below its own checksum; the previous one is replaced in one step."""
    body = msgspec.json.encode(manifest)
    text = _digest(body).encode() + b"\n" + body
    write(folder / MANIFEST, lambda path: path.write_bytes(text))


def load(folder: Path, kind: type[T]) -> T | None:
    """The manifest of `folder`, or None when it is missing, damaged or of another shape."""
    try:
        checksum, _, body = (folder / MANIFEST).read_bytes().partition(b"\n")
        return msgspec.json.decode(body, type=kind) if checksum == _digest(body).encode() else None
    except (OSError, msgspec.DecodeError):
        return None


def write(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a temporary file, then make it durable under its final name."""
    temporary = path.with_name(path.name + ".tmp")
    fill(temporary)
    flush(temporary)
    temporary.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def record(path: Path) -> FileRecord:
    """What to remember of a file that will not change any more."""
    hashed, size = new_hash(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            hashed.update(block)
            size += len(block)
    return FileRecord(size, hashed.hexdigest())


def intact(path: Path, expected: FileRecord) -> bool:
    """Whether a file is there and byte for byte what was recorded."""
    try:
        return path.stat().st_size == expected.size and record(path) == expected
    except OSError:
        return False


def clean(folder: Path, known: Collection[Path]) -> None:
    """Remove what a crash, or somebody else, has left beside the manifest and the files that are known."""
    for path in folder.iterdir():
        if path.name != MANIFEST and path not in known:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def size(folder: Path) -> int:
    """Bytes on disk. A file that is linked twice counts once; a file or folder that is being removed, not at all."""
    sizes: dict[int, int] = {}
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                status = os.lstat(f"{inside}/{name}")
                if stat.S_ISREG(status.st_mode):
                    sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data, usedforsecurity=False).hexdigest()
