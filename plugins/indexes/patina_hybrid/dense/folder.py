"""The dense arm on disk: a manifest, and two files a part.

``NAME.ids`` holds one JSON string a line. A tail's vectors are in ``NAME.vectors``, rows of little-endian float32, and
both files grow with it; a segment's are in ``NAME.graph``, as hnswlib writes it, once. Dead rows are listed in the
manifest.
"""

from __future__ import annotations

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from patina_hybrid import manifest
from patina_hybrid.dense import graph
from patina_hybrid.dense.growing import GrowingFile
from patina_hybrid.dense.segment import Segment
from patina_hybrid.dense.stored import StoredVectors
from patina_hybrid.dense.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patina.types import Stamp
    from patina_hybrid.dense.part import Mask, Part, View

logger = logging.getLogger(__name__)

FORMAT = 2
READERS = 4
"""Threads that check files: nearly all of it is computing checksums, which leaves the interpreter free."""


class PartRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of one part."""

    name: str
    kind: Literal["tail", "segment"]
    rows: int
    dead: bytes
    """One bit a row, most significant first."""
    ids: manifest.FileRecord
    vectors: manifest.FileRecord


class DenseManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole arm as of change `seq`."""

    format: tuple[int, int]
    """Ours, and the stamp's."""
    collection: str
    identity: str
    dimension: int
    seq: int
    count: int
    parts: list[PartRecord]


class PartFiles:
    """The files of one part, and how many of its rows they hold."""

    def __init__(self, folder: Path, name: str, kind: Literal["tail", "segment"]) -> None:
        self.name = name
        self._kind = kind
        self._rows = 0
        self._ids = GrowingFile(folder / f"{name}.ids")
        self._vectors = GrowingFile(folder / f"{name}.vectors")
        self._graph_path = folder / f"{name}.graph"
        self._graph: manifest.FileRecord | None = None

    def resume(self, record: PartRecord) -> bool:
        """Whether all files are what the record says."""
        self._rows = record.rows
        if record.kind == "tail":
            return self._ids.resume(record.ids) and self._vectors.resume(record.vectors)
        self._graph = record.vectors
        return self._ids.resume(record.ids) and manifest.intact(self._graph_path, record.vectors)

    def extend(self, view: View, dimension: int) -> PartRecord:
        """Write the rows that the files do not hold yet."""
        part, count = view.part, len(view.live)
        if isinstance(part, Segment):
            if self._graph is None:
                manifest.write(self._graph_path, lambda path: graph.save(part.graph, path))
                self._graph = manifest.record(self._graph_path)
                part.read_from(StoredVectors(self._graph_path, dimension, count))
        elif count > self._rows:
            self._vectors.append(np.ascontiguousarray(part.take(np.arange(self._rows, count)), "<f4").data)
        if count > self._rows:
            self._ids.append(b"".join(msgspec.json.encode(id_) + b"\n" for id_ in part.ids[self._rows : count]))
            self._rows = count
        return PartRecord(
            name=self.name,
            kind=self._kind,
            rows=count,
            dead=np.packbits(~view.live).tobytes(),
            ids=self._ids.record,
            vectors=self._graph or self._vectors.record,
        )

    def read(self, dead: bytes, dimension: int) -> Part:
        """The part; raises ValueError or RuntimeError when the files contradict each other."""
        ids = msgspec.json.Decoder(str).decode_lines(self._ids.read())
        live = ~np.unpackbits(np.frombuffer(dead, np.uint8), count=self._rows).astype(np.bool_)
        if len(ids) != self._rows:
            raise ValueError(f"{self.name} has {len(ids)} ids for {self._rows} rows")
        return self._tail(ids, live, dimension) if self._kind == "tail" else self._segment(ids, live, dimension)

    def _tail(self, ids: list[str], live: Mask, dimension: int) -> Tail:
        vectors = np.frombuffer(self._vectors.read(), "<f4").reshape(self._rows, dimension)
        return Tail(ids, vectors.astype(np.float32), live)

    def _segment(self, ids: list[str], live: Mask, dimension: int) -> Segment:
        stored = StoredVectors(self._graph_path, dimension, self._rows)
        return Segment(ids, stored.vectors, live, graph.load(self._graph_path, dimension, self._rows), stored)

    @property
    def paths(self) -> list[Path]:
        return [self._ids.path, self._vectors.path if self._kind == "tail" else self._graph_path]


class DenseFolder:
    """Loads what can be believed, saves what is new."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self.path = path
        self._stamp = stamp
        self._files: dict[Part, PartFiles] = {}
        self._named = 0

    def load(self) -> tuple[int, list[Part]]:
        """The last change held and the parts; (0, []) and an empty folder when the manifest cannot be believed.

        When files are damaged, the change is 0 and the parts are the sound ones: the log says of each passage what
        holds now, so it makes the same of them as of nothing, and they answer until it has come again.
        """
        found = manifest.load(self.path, DenseManifest)
        if found is None or found != self._manifest(found.seq, found.count, found.parts):
            self.clear()
            return 0, []
        with ThreadPoolExecutor(READERS) as pool:
            loaded = list(pool.map(self._load_part, found.parts))
        self._files = dict(one for one in loaded if one is not None)
        self._named = max((int(record.name.rpartition("-")[2]) for record in found.parts), default=0)
        self._remove_strangers()
        whole = None not in loaded and sum(part.alive for part in self._files) == found.count
        return found.seq if whole else 0, list(self._files)

    def save(self, seq: int, views: Sequence[View]) -> None:
        """Make the parts durable as the state after change `seq`. Raises OSError; then the previous state stays."""
        held = [view for view in views if len(view.live)]
        files = {view.part: self._files.get(view.part) or self._new_files(view.part) for view in held}
        try:
            records = [files[view.part].extend(view, self._stamp.dimension) for view in held]
            manifest.flush(self.path)
            manifest.save(self.path, self._manifest(seq, sum(view.alive for view in held), records))
        except OSError:
            # A failed flush says nothing about what is on the disk: what was not durable before is written anew.
            self._files = {part: own for part, own in self._files.items() if isinstance(part, Segment)}
            with suppress(OSError):
                self._remove_strangers()
            raise
        self._files = files
        self._remove_strangers()

    def faults(self) -> list[str]:
        """Sentences about the files that are not what the manifest says."""
        found = manifest.load(self.path, DenseManifest)
        if found is None:
            return ["the manifest is missing or damaged"] if self._files else []
        broken = [part.name for part in found.parts if not PartFiles(self.path, part.name, part.kind).resume(part)]
        return [f"the files of {name} are not what the manifest says" for name in broken]

    def size(self) -> int:
        """Bytes on disk."""
        return manifest.size(self.path)

    def clear(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True)
        self._files = {}

    def _manifest(self, seq: int, count: int, records: list[PartRecord]) -> DenseManifest:
        return DenseManifest(
            format=(FORMAT, self._stamp.format),
            collection=self._stamp.collection,
            identity=self._stamp.identity,
            dimension=self._stamp.dimension,
            seq=seq,
            count=count,
            parts=records,
        )

    def _load_part(self, record: PartRecord) -> tuple[Part, PartFiles] | None:
        """The part, or None when its files are not what the record says, or contradict each other."""
        files = PartFiles(self.path, record.name, record.kind)
        try:
            if files.resume(record):
                return files.read(record.dead, self._stamp.dimension), files
            logger.warning("%s: the files of %s are damaged; vectors are taken from the store", self.path, record.name)
        except (OSError, ValueError, RuntimeError) as error:
            logger.warning("%s: %s; vectors are taken from the store", self.path, error)
        return None

    def _new_files(self, part: Part) -> PartFiles:
        self._named += 1
        kind: Literal["tail", "segment"] = "segment" if isinstance(part, Segment) else "tail"
        return PartFiles(self.path, f"{kind}-{self._named}", kind)

    def _remove_strangers(self) -> None:
        """Whatever neither the manifest names nor we shall write to again."""
        found = manifest.load(self.path, DenseManifest)
        named = [PartFiles(self.path, part.name, part.kind) for part in (found.parts if found else ())]
        manifest.clean(self.path, [path for files in (*named, *self._files.values()) for path in files.paths])
