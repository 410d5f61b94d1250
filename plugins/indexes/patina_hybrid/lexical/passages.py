"""The analysed passages of the rank-bm25 arm on disk: one file, and the manifest that vouches for it."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import msgspec

from patina_hybrid import manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from patina.types import Stamp

logger = logging.getLogger(__name__)

FORMAT = 1

Passages = dict[str, tuple[str, ...]]


class PassageManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The passages as of change `seq`."""

    format: tuple[int, int]
    collection: str
    analyser: str
    seq: int
    count: int
    file: manifest.FileRecord


class PassageFile:
    """Written as a whole, and only when a passage has changed: the arm's limit keeps it small."""

    def __init__(self, folder: Path, stamp: Stamp, analyser: str) -> None:
        self._folder = folder
        self._path = folder / "passages.json"
        self._stamp = stamp
        self._analyser = analyser
        self._record: manifest.FileRecord | None = None

    def load(self) -> tuple[int, Passages]:
        """The last change held and the passages; (0, {}) and an empty folder when they cannot be believed."""
        found = manifest.load(self._folder, PassageManifest)
        if found != (found and self._manifest(found.seq, found.count, found.file)) or found is None:
            self.clear()
            return 0, {}
        if not manifest.intact(self._path, found.file):
            logger.warning("%s is damaged; words are taken from the store", self._path)
            self.clear()
            return 0, {}
        self._record = found.file
        return found.seq, msgspec.json.decode(self._path.read_bytes(), type=Passages)

    def save(self, seq: int, passages: Mapping[str, tuple[str, ...]], changed: bool) -> None:
        """Make the passages durable as the state after change `seq`. Raises OSError."""
        if changed or self._record is None:
            manifest.write(self._path, lambda path: path.write_bytes(msgspec.json.encode(passages)))
            self._record = manifest.record(self._path)
        manifest.save(self._folder, self._manifest(seq, len(passages), self._record))

    def faults(self) -> list[str]:
        """Sentences about what is not as the manifest says."""
        if self._record is None:
            return []
        found = manifest.load(self._folder, PassageManifest)
        if found is None:
            return ["the manifest is missing or damaged"]
        return [] if manifest.intact(self._path, found.file) else [f"{self._path.name} is not what the manifest says"]

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def clear(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        self._record = None

    def _manifest(self, seq: int, count: int, file: manifest.FileRecord) -> PassageManifest:
        return PassageManifest(
            format=(FORMAT, self._stamp.format),
            collection=self._stamp.collection,
            analyser=self._analyser,
            seq=seq,
            count=count,
            file=file,
        )
