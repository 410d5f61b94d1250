"""The parts of the dense arm, and the thread that turns full tails into segments."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np

from patina.errors import PluginError
from patina_hybrid.dense import graph, merge
from patina_hybrid.dense.segment import Segment
from patina_hybrid.dense.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patina.types import Vector
    from patina_hybrid.dense.part import Part
    from patina_hybrid.settings import HybridSettings

logger = logging.getLogger(__name__)


class Shelf:
    """Parts, oldest first; the last is the open tail, which takes new rows.

    One thread adds and removes; any number search `parts`, a tuple that is replaced and never changed. Full tails stay
    searchable, exactly, while a background thread builds their graphs beside them. That thread exists only while there
    is work. The lock is between these two; a search never takes it.
    """

    def __init__(self, dimension: int, settings: HybridSettings, name: str, parts: Sequence[Part] = ()) -> None:
        self._dimension = dimension
        self._settings = settings
        self._breadth = graph.Breadth(settings.m, settings.ef_construction, settings.ef)
        self._name = name
        self._changed = threading.Condition()
        self._builder: threading.Thread | None = None
        self._failure: Exception | None = None
        self._closed = False
        self.parts: tuple[Part, ...] = tuple(parts)
        if not isinstance(self.parts[-1] if self.parts else None, Tail):
            self.parts += (Tail.empty(dimension),)
        self._seal_if_full()
        self.tend()

    def add(self, id_: str, vector: Vector) -> None:
        """Give `id_` this vector, and no other any more. Waits while too many rows have no graph yet.

        Raises `PluginError` when the background thread fails to make room.
        """
        with self._changed:
            if any(np.array_equal(part.vector(row), vector) for part, row in self._rows(id_)):
                return
            self._wait_for_room()
            old = self._rows(id_)
            self._open_tail.append(id_, vector)
            for part, row in old:
                part.kill(row)
            self._seal_if_full()

    def remove(self, id_: str) -> None:
        with self._changed:
            for part, row in self._rows(id_):
                part.kill(row)

    def tend(self) -> None:
        """Start the background thread if there is something to seal or merge."""
        with self._changed:
            if self._builder is None and not self._closed and self._next_sources():
                self._builder = threading.Thread(target=self._build_all, name=self._name, daemon=True)
                self._builder.start()

    def settle(self) -> None:
        """Wait until the background thread has nothing left to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._builder is None)

    def close(self) -> None:
        """End the background thread; searching goes on working."""
        with self._changed:
            self._closed = True
            builder = self._builder
        if builder is not None:
            builder.join()

    def _rows(self, id_: str) -> list[tuple[Part, int]]:
        return [(part, row) for part in self.parts if (row := part.row(id_)) is not None]

    @property
    def _open_tail(self) -> Tail:
        tail = self.parts[-1]
        if not isinstance(tail, Tail):
            raise TypeError("the last part must be a tail")
        return tail

    def _full_tails(self) -> list[Tail]:
        return [part for part in self.parts[:-1] if isinstance(part, Tail)]

    def _seal_if_full(self) -> None:
        if self._open_tail.count >= self._settings.segment_size:
            self.parts = (*self.parts, Tail.empty(self._dimension))
            self.tend()

    def _wait_for_room(self) -> None:
        while (
            not self._closed
            and sum(tail.count for tail in (*self._full_tails(), self._open_tail)) >= self._settings.tail_max
        ):
            self._failure = None
            self.tend()
            self._changed.wait()
            if self._failure is not None:
                raise PluginError(f"The graph of new vectors could not be built: {self._failure}.") from self._failure

    # -- the background thread ------------------------------------------------------------------------------------

    def _build_all(self) -> None:
        while sources := self._take_work():
            try:
                self._build(sources)
            except (MemoryError, RuntimeError) as error:
                logger.warning("%s: no graph could be built, its rows are scanned instead: %s", self._name, error)
                self._failure = error
                self._end()
                return

    def _take_work(self) -> Sequence[Part]:
        with self._changed:
            sources = [] if self._closed else self._next_sources()
            if not sources:
                self._end()
            return sources

    def _end(self) -> None:
        with self._changed:
            self._builder = None
            self._changed.notify_all()

    def _next_sources(self) -> Sequence[Part]:
        """Full tails go first: they hold up new rows."""
        tails = self._full_tails()
        if tails:
            return tails[:1]
        segments = [part for part in self.parts if isinstance(part, Segment)]
        sizes = [merge.Size(segment.count, segment.alive) for segment in segments]
        return [segments[position] for position in merge.plan(sizes, self._settings.segment_size)]

    def _build(self, sources: Sequence[Part]) -> None:
        views = [source.view() for source in sources]
        kept = [np.flatnonzero(view.live) for view in views]
        taken = list(zip(views, kept, strict=True))
        ids = [view.ids[row] for view, rows in taken for row in rows.tolist()]
        vectors = np.concatenate([view.vectors[rows] for view, rows in taken])
        built = graph.build(vectors, self._breadth, lambda: self._still_wanted(sources)) if ids else None
        if built is None and ids:
            return
        with self._changed:
            live = np.concatenate([view.live[rows] for view, rows in taken])  # some may have died meanwhile
            self._replace(sources, [Segment(ids, vectors, live, built)] if built else [])

    def _still_wanted(self, sources: Sequence[Part]) -> bool:
        """Closing ends all work; a merge also gives way to a full tail, which holds up new rows, and starts again."""
        merging = isinstance(sources[0], Segment)
        return not self._closed and not (merging and self._full_tails())

    def _replace(self, sources: Sequence[Part], segments: Sequence[Segment]) -> None:
        """Put `segments` where the first of their sources was."""
        at = self.parts.index(sources[0])
        rest = tuple(part for part in self.parts if part not in sources)
        self.parts = (*rest[:at], *segments, *rest[at:])
        self._changed.notify_all()
