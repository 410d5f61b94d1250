"""A file that only grows, of which only the beginning that a manifest names is believed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from patina_hybrid.manifest import BLOCK_BYTES, FileRecord, new_hash

if TYPE_CHECKING:
    from pathlib import Path


class GrowingFile:
    """Appends cost what they append: the checksum goes on from where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        self._hash = new_hash()

    @property
    def record(self) -> FileRecord:
        return FileRecord(self._size, self._hash.hexdigest())

    def resume(self, record: FileRecord) -> bool:
        """Go on after the recorded beginning; False when it is not there, byte for byte."""
        try:
            with self.path.open("rb") as file:
                while block := file.read(min(BLOCK_BYTES, record.size - self._size)):
                    self._hash.update(block)
                    self._size += len(block)
        except OSError:
            return False
        return self.record == record

    def append(self, data: bytes | memoryview) -> None:
        """Durable when it returns. Whatever a crash left behind the recorded end is overwritten."""
        self.path.touch(0o600)
        with self.path.open("r+b") as file:
            file.truncate(self._size)
            file.seek(self._size)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._hash.update(data)
        self._size += memoryview(data).nbytes

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(self._size)
