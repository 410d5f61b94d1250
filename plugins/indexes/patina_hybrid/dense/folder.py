"""The dense arm on disk: a manifest, and two or three files a part.

``NAME.vectors`` holds rows of little-endian float32, ``NAME.ids`` one JSON string a line, ``NAME.graph`` the graph of
a segment. A tail's two files grow with it; a segment's are written once. Dead rows are listed in the manifest.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from patina_hybrid import manifest
from patina_hybrid.dense import graph
from patina_hybrid.dense.growing import GrowingFile
from patina_hybrid.dense.segment import Segment
from patina_hybrid.dense.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patina.types import Stamp, Vectors
    from patina_hybrid.dense.part import Mask, Part

logger = logging.getLogger(__name__)

FORMAT = 1


class PartRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of one part."""

    name: str
    rows: int
    dead: bytes
    """One bit a row, most significant first."""
    vectors: manifest.FileRecord
    ids: manifest.FileRecord
    graph: manifest.FileRecord | None
    """None: a tail."""


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

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.rows = 0
        self.vectors = GrowingFile(folder / f"{name}.vectors")
        self.ids = GrowingFile(folder / f"{name}.ids")
        self.graph_path = folder / f"{name}.graph"
        self.graph: manifest.FileRecord | None = None

    def resume(self, record: PartRecord) -> bool:
        """Whether all files are what the record says."""
        self.rows, self.graph = record.rows, record.graph
        grown = self.vectors.resume(record.vectors) and self.ids.resume(record.ids)
        return grown and (self.graph is None or manifest.intact(self.graph_path, self.graph))

    def extend(self, part: Part) -> None:
        """Write the rows that the files do not hold yet, and the graph if there is one."""
        view = part.view()
        count = len(view.live)
        if count > self.rows:
            self.vectors.append(np.ascontiguousarray(view.vectors[self.rows :], "<f4").data)
            self.ids.append(b"".join(msgspec.json.encode(id_) + b"\n" for id_ in view.ids[self.rows : count]))
            self.rows = count
        if isinstance(part, Segment) and self.graph is None:
            manifest.write(self.graph_path, lambda path: part.graph.save_index(str(path)))
            self.graph = manifest.record(self.graph_path)
            part.map_vectors(self._mapped(view.vectors.shape[1]))

    def record(self, part: Part) -> PartRecord:
        dead = np.packbits(~part.view().live[: self.rows]).tobytes()
        return PartRecord(
            name=self.name,
            rows=self.rows,
            dead=dead,
            vectors=self.vectors.record,
            ids=self.ids.record,
            graph=self.graph,
        )

    def read(self, dead: bytes, dimension: int, ef: int) -> Part:
        """The part; raises ValueError or RuntimeError when the files contradict each other."""
        ids = msgspec.json.Decoder(str).decode_lines(self.ids.read())
        live = ~np.unpackbits(np.frombuffer(dead, np.uint8), count=self.rows).astype(np.bool_)
        if len(ids) != self.rows:
            raise ValueError(f"{self.name} has {len(ids)} ids for {self.rows} rows")
        return self._part(ids, live, dimension, ef)

    def _part(self, ids: list[str], live: Mask, dimension: int, ef: int) -> Part:
        if self.graph is None:
            vectors = np.frombuffer(self.vectors.read(), "<f4").reshape(self.rows, dimension)
            return Tail(ids, vectors.astype(np.float32), live)
        return Segment(ids, self._mapped(dimension), live, graph.load(self.graph_path, dimension, self.rows, ef))

    def _mapped(self, dimension: int) -> Vectors:
        return np.asarray(np.memmap(self.vectors.path, "<f4", "r", shape=(self.rows, dimension)))

    @property
    def paths(self) -> list[Path]:
        return [self.vectors.path, self.ids.path, *([self.graph_path] if self.graph else [])]


class DenseFolder:
    """Loads what can be believed, saves what is new."""

    def __init__(self, path: Path, stamp: Stamp) -> None:
        self.path = path
        self._stamp = stamp
        self._files: dict[Part, PartFiles] = {}
        self._named = 0

    def load(self, ef: int) -> tuple[int, list[Part]]:
        """The last change held and the parts; (0, []) and an empty folder when anything is missing or wrong."""
        found = manifest.load(self.path, DenseManifest)
        parts = self._load_parts(found, ef) if found and self._fits(found) else None
        if found is None or parts is None:
            self.clear()
            return 0, []
        self._files = dict(parts)
        self._named = max((int(files.name.rpartition("-")[2]) for files in self._files.values()), default=0)
        self._remove_strangers()
        return found.seq, list(self._files)

    def save(self, seq: int, parts: Sequence[Part]) -> None:
        """Make `parts` durable as the state after change `seq`. Raises OSError; then the previous state stays."""
        files = {part: self._files.get(part) or self._new_files(part) for part in parts if part.count}
        try:
            for part, own in files.items():
                own.extend(part)
            manifest.flush(self.path)
            records = [own.record(part) for part, own in files.items()]
            manifest.save(self.path, self._manifest(seq, sum(part.alive for part in parts), records))
        except OSError:
            self._files = {}  # a failed flush says nothing about what is on the disk: write everything anew next time
            raise
        self._files = files
        self._remove_strangers()

    def faults(self) -> list[str]:
        """Sentences about the files that are not what the manifest says."""
        found = manifest.load(self.path, DenseManifest)
        if found is None:
            return ["the manifest is missing or damaged"] if self._files else []
        broken = [part.name for part in found.parts if not PartFiles(self.path, part.name).resume(part)]
        return [f"the files of {name} are not what the manifest says" for name in broken]

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.iterdir())

    def clear(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir(parents=True)
        self._files = {}

    def _fits(self, found: DenseManifest) -> bool:
        return found == self._manifest(found.seq, found.count, found.parts)

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

    def _load_parts(self, found: DenseManifest, ef: int) -> list[tuple[Part, PartFiles]] | None:
        loaded = []
        for record in found.parts:
            files = PartFiles(self.path, record.name)
            if not files.resume(record):
                logger.warning(
                    "%s: the files of %s are damaged; vectors are taken from the store", self.path, record.name
                )
                return None
            try:
                loaded.append((files.read(record.dead, found.dimension, ef), files))
            except (ValueError, RuntimeError) as error:
                logger.warning("%s: %s; vectors are taken from the store", self.path, error)
                return None
        return loaded

    def _new_files(self, part: Part) -> PartFiles:
        self._named += 1
        kind = "segment" if isinstance(part, Segment) else "tail"
        return PartFiles(self.path, f"{kind}-{self._named}")

    def _remove_strangers(self) -> None:
        known = {self.path / manifest.MANIFEST, *(path for files in self._files.values() for path in files.paths)}
        for path in self.path.iterdir():
            if path not in known:
                path.unlink()
