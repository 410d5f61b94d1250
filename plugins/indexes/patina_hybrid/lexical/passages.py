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
    """Ours, and the stamp's."""
    collection: str
    analyser: str
    seq: int
    name: str
    file: manifest.FileRecord


class PassageFile:
    """Written as a whole, under a new name, and only when a passage has changed: the arm's limit keeps it small."""

    def __init__(self, folder: Path, stamp: Stamp, analyser: str) -> None:
        self._folder = folder
        self._stamp = stamp
        self._analyser = analyser
        self._manifest: PassageManifest | None = None

    def load(self) -> tuple[int, Passages]:
        """The last change held and the passages; (0, {}) and an empty folder when they cannot be believed."""
        found = manifest.load(self._folder, PassageManifest)
        if found is None or found != self._describe(found.seq, found.name, found.file) or not self._intact(found):
            self.clear()
            return 0, {}
        self._manifest = found
        self._remove_strangers(found.name)
        return found.seq, msgspec.json.decode((self._folder / found.name).read_bytes(), type=Passages)

    def save(self, seq: int, passages: Mapping[str, tuple[str, ...]], changed: bool) -> None:
        """Make the passages durable as the state after change `seq`. Raises OSError."""
        if changed or self._manifest is None:
            name = f"passages-{seq}.json"
            manifest.write(self._folder / name, lambda path: path.write_bytes(msgspec.json.encode(passages)))
            described = self._describe(seq, name, manifest.record(self._folder / name))
        else:
            described = self._describe(seq, self._manifest.name, self._manifest.file)
        manifest.save(self._folder, described)
        self._manifest = described
        self._remove_strangers(described.name)

    def faults(self) -> list[str]:
        """What is not as it was saved."""
        if self._manifest is None:
            return []
        if manifest.load(self._folder, PassageManifest) != self._manifest:
            return ["the manifest is missing or damaged"]
        return [] if self._intact(self._manifest) else [f"{self._manifest.name} is not what the manifest says"]

    def size(self) -> int:
        """Bytes on disk."""
        return manifest.size(self._folder)

    def clear(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        self._manifest = None

    def _intact(self, found: PassageManifest) -> bool:
        intact = manifest.intact(self._folder / found.name, found.file)
        if not intact:
            logger.warning("%s: %s is damaged", self._folder, found.name)
        return intact

    def _describe(self, seq: int, name: str, file: manifest.FileRecord) -> PassageManifest:
        return PassageManifest(
            format=(FORMAT, self._stamp.format),
            collection=self._stamp.collection,
            analyser=self._analyser,
            seq=seq,
            name=name,
            file=file,
        )

    def _remove_strangers(self, name: str) -> None:
        manifest.clean(self._folder, [self._folder / name])
