"""Checkpoints of a tantivy index that no later change can spoil.

tantivy's files never change once written, but it deletes those that merges have made superfluous, and its binding
neither stores our position in the log nor exposes its checksums. So tantivy works in ``live/``, and a checkpoint is
a hard link to each of its files in ``kept/`` together with a manifest: checksums, the position, and tantivy's own
table of contents. After a crash ``live/`` is made again from ``kept/``.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from patina_hybrid import manifest

if TYPE_CHECKING:
    from pathlib import Path

    from patina.types import Stamp

logger = logging.getLogger(__name__)

FORMAT = 1
TRIES = 10
PAUSE_S = 0.02
_CONTENTS = "meta.json"
_MANAGED = ".managed.json"
_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}\..+")


class _Deletes(msgspec.Struct):
    opstamp: int
    num_deleted_docs: int = 0


class _Segment(msgspec.Struct):
    segment_id: str
    deletes: _Deletes | None = None

    def owns(self, name: str) -> bool:
        """Whether a file belongs to this state of the segment: only its newest list of deletes does."""
        stem, _, kind = name.partition(".")
        if stem != self.segment_id.replace("-", "") or kind.endswith("temp"):
            return False
        return not kind.endswith("del") or (self.deletes is not None and kind == f"{self.deletes.opstamp}.del")


class _Contents(msgspec.Struct):
    """The part of tantivy's ``meta.json`` that says which files make up the index."""

    segments: list[_Segment]


class LexicalManifest(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint: the index as of change `seq`."""

    format: tuple[int, int]
    """Ours, and the stamp's."""
    collection: str
    analyser: str
    seq: int
    count: int
    contents: str
    """tantivy's ``meta.json``."""
    files: dict[str, manifest.FileRecord]


class Snapshot:
    """`live` is tantivy's folder; everything else here is ours."""

    def __init__(self, folder: Path, stamp: Stamp, analyser: str) -> None:
        self.live = folder / "live"
        self._folder = folder
        self._kept = folder / "kept"
        self._stamp = stamp
        self._analyser = analyser
        self._files: dict[str, manifest.FileRecord] = {}

    def restore(self) -> LexicalManifest | None:
        """Fill `live` from the newest checkpoint; None and an empty `live` when it cannot be believed."""
        found = manifest.load(self._folder, LexicalManifest)
        if found is None or not self._believable(found):
            self.clear()
            return None
        _remove(self.live)
        self.live.mkdir()
        for name in found.files:
            _link(self._kept / name, self.live / name)
        (self.live / _CONTENTS).write_text(found.contents)
        (self.live / _MANAGED).write_bytes(msgspec.json.encode([*found.files, _CONTENTS]))
        self._files = dict(found.files)
        self._remove_strangers()
        return found

    def take(self, seq: int, count: int) -> None:
        """Keep what tantivy has committed as the state after change `seq`. Raises OSError."""
        contents, names = self._link_all()
        files = {name: self._files.get(name) or self._keep(name) for name in names}
        manifest.flush(self._kept)
        manifest.save(
            self._folder,
            LexicalManifest(
                format=(FORMAT, self._stamp.format),
                collection=self._stamp.collection,
                analyser=self._analyser,
                seq=seq,
                count=count,
                contents=contents,
                files=files,
            ),
        )
        self._files = files
        self._remove_strangers()

    def sweep(self) -> None:
        """Remove from `live` what a writer that failed has left: its successor would stumble over the same names."""
        segments = _segments((self.live / _CONTENTS).read_text())
        for path in self.live.glob("*.*"):
            stranger = _SEGMENT_FILE.fullmatch(path.name) and not any(segment.owns(path.name) for segment in segments)
            if stranger:
                path.unlink(missing_ok=True)

    def faults(self) -> list[str]:
        """Sentences about the files that are not what the manifest says."""
        found = manifest.load(self._folder, LexicalManifest)
        if found is None:
            return ["the manifest is missing or damaged"] if self._files else []
        broken = [name for name, record in found.files.items() if not manifest.intact(self._kept / name, record)]
        return [f"{name} is not what the manifest says" for name in broken]

    def size(self) -> int:
        """Bytes on disk."""
        return manifest.size(self._folder)

    def dead(self) -> int:
        """Passages that are deleted and not yet merged away; 0 when tantivy has not written its contents yet."""
        try:
            contents = msgspec.json.decode((self.live / _CONTENTS).read_bytes(), type=_Contents)
        except (OSError, msgspec.DecodeError):
            return 0
        return sum(segment.deletes.num_deleted_docs for segment in contents.segments if segment.deletes)

    def clear(self) -> None:
        _remove(self._folder)
        self.live.mkdir(parents=True)
        self._kept.mkdir()
        self._files = {}

    def _believable(self, found: LexicalManifest) -> bool:
        made_for = (found.format, found.collection, found.analyser)
        if made_for != ((FORMAT, self._stamp.format), self._stamp.collection, self._analyser):
            return False
        damaged = [name for name, record in found.files.items() if not manifest.intact(self._kept / name, record)]
        if damaged:
            logger.warning("%s: %s damaged; words are taken from the store", self._kept, ", ".join(damaged))
        return not damaged

    def _link_all(self) -> tuple[str, list[str]]:
        """Link every file that belongs to one table of contents. A merge may replace that meanwhile: then again."""
        for _ in range(TRIES):
            contents = (self.live / _CONTENTS).read_text()
            segments = _segments(contents)
            names = [path.name for path in self.live.iterdir() if any(segment.owns(path.name) for segment in segments)]
            try:
                for name in names:
                    if name not in self._files:
                        (self._kept / name).unlink(missing_ok=True)
                        _link(self.live / name, self._kept / name)
            except FileNotFoundError:
                continue
            if contents == (self.live / _CONTENTS).read_text():
                return contents, names
        raise OSError(f"{self.live} does not come to rest")

    def _keep(self, name: str) -> manifest.FileRecord:
        manifest.flush(self._kept / name)
        return manifest.record(self._kept / name)

    def _remove_strangers(self) -> None:
        manifest.clean(self._kept, [self._kept / name for name in self._files])


def _segments(contents: str) -> list[_Segment]:
    """Raises OSError when tantivy's table of contents is not one: somebody has changed it under us."""
    try:
        return msgspec.json.decode(contents, type=_Contents).segments
    except msgspec.DecodeError as error:
        raise OSError(f"tantivy's {_CONTENTS} cannot be read: {error}") from error


def _remove(folder: Path) -> None:
    """With all that is in it. A thread of tantivy's that is about to end may look in, and lock it meanwhile."""
    for _ in range(TRIES):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
        time.sleep(PAUSE_S)
    shutil.rmtree(folder)


def _link(source: Path, target: Path) -> None:
    """A second name for a file; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
