"""The parts of the dense arm, and the thread that turns full tails into segments."""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from patina.errors import PluginError
from patina_hybrid.dense import graph, merge
from patina_hybrid.dense.priority import step_back
from patina_hybrid.dense.segment import Segment
from patina_hybrid.dense.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from patina.types import Vector
    from patina_hybrid.dense.part import Part, View
    from patina_hybrid.settings import HybridSettings

logger = logging.getLogger(__name__)

QUIET_S = 5.0
"""Without a change for this long, segments are merged that could as well stay apart."""


class Shelf:
    """Parts, oldest first; the last is the open tail, which takes new rows.

    One thread takes changes in; any number search `views`, a tuple that is replaced and never changed. Full tails stay
    searchable, exactly, while a background thread builds their graphs beside them. That thread exists only while there
    is work. The lock is between these two; a search never takes it.
    """

    def __init__(self, dimension: int, settings: HybridSettings, name: str, parts: Sequence[Part] = ()) -> None:
        self._dimension = dimension
        self._settings = settings
        self._breadth = graph.Breadth(settings.m, settings.ef_construction)
        self._name = name
        self._changed = threading.Condition()
        self._builder: threading.Thread | None = None
        self._failure: Exception | None = None
        self._closed = False
        self._hurry = False
        """Whether someone waits for all work to be done."""
        self._touched = monotonic()
        self._parts: tuple[Part, ...] = tuple(parts)
        self._open_tail = self._newest_tail()
        self.views: tuple[View, ...] = ()
        self._publish()
        self._share_breadth()
        self.tend()

    def take(self, changes: Iterable[tuple[str, Vector | None]]) -> None:
        """Give each id its vector, and no other any more; or none. Searches see all of it at once when it returns.

        Waits first while too many rows have no graph. Raises `PluginError` when the background thread fails to make
        room.
        """
        with self._changed:
            self._wait_for_room()
            self._touched = monotonic()
            for id_, vector in changes:
                self._take_one(id_, vector)
            self._publish()
        self.tend()

    def tend(self) -> None:
        """Start the background thread if there is something to seal or merge."""
        with self._changed:
            if self._builder is not None:
                self._changed.notify_all()  # it may be waiting for a quiet time
                return
            if self._closed or not (self._next_sources() or self._quiet_sources()):
                return
            builder = threading.Thread(target=self._build_all, name=self._name, daemon=True)
            try:
                builder.start()
            except RuntimeError as error:
                self._fail(error)
            else:
                self._builder = builder

    def settle(self) -> None:
        """Wait until the background thread has nothing left to do."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._builder is None)
            self._hurry = False

    def close(self) -> None:
        """End the background thread; searching goes on working."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            builder = self._builder
        if builder is not None:
            builder.join()

    # -- taking changes in ----------------------------------------------------------------------------------------

    def _take_one(self, id_: str, vector: Vector | None) -> None:
        old = [(part, row) for part in self._parts if (row := part.row(id_)) is not None]
        if vector is not None:
            if any(np.array_equal(part.take(np.array([row]))[0], vector) for part, row in old):
                return
            self._open_tail.append(id_, vector)
        for part, row in old:
            part.kill(row)
        if self._open_tail.length >= self._settings.segment_size:
            self._open_tail = self._newest_tail()

    def _newest_tail(self) -> Tail:
        """The last part if it has room, else a new one behind it."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, Tail) or last.length >= self._settings.segment_size:
            last = Tail.empty(self._dimension)
            self._parts += (last,)
        return last

    def _publish(self) -> None:
        self.views = tuple(part.publish() for part in self._parts)

    def _share_breadth(self) -> None:
        segments = [part for part in self._parts if isinstance(part, Segment)]
        rows = sum(segment.count for segment in segments)
        times = rows / self._settings.segment_size
        for segment in segments:
            segment.graph.set_ef(graph.ef_of_share(self._settings.ef, segment.count / max(rows, 1), times))

    def _wait_for_room(self) -> None:
        while not self._closed and self._rows_without_graph() >= self._settings.tail_max:
            self._failure = None
            self.tend()
            if self._failure is None:
                self._changed.wait()
            if self._failure is not None:
                raise PluginError(f"The graph of new vectors could not be built: {self._failure}.") from self._failure

    def _rows_without_graph(self) -> int:
        return sum(part.length for part in self._parts if isinstance(part, Tail))

    # -- the background thread ------------------------------------------------------------------------------------

    def _build_all(self) -> None:
        step_back()
        try:
            while sources := self._take_work():
                self._build(sources)
        except Exception as error:  # a job's edge: a thread that died unseen would leave `take` waiting for ever
            self._fail(error)
            self._end()

    def _take_work(self) -> Sequence[Part]:
        """What to do next, or nothing at the end. Work for quiet times is waited for."""
        with self._changed:
            while not self._closed:
                if urgent := self._next_sources():
                    return urgent
                if not (later := self._quiet_sources()):
                    break
                wait_s = 0.0 if self._hurry else self._touched + QUIET_S - monotonic()
                if wait_s <= 0:
                    return later
                self._changed.wait(wait_s)
            self._end()
            return []

    def _end(self) -> None:
        with self._changed:
            self._builder = None
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        logger.warning("%s: no graph could be built, its rows are scanned instead: %r", self._name, error)
        self._failure = error

    def _next_sources(self) -> Sequence[Part]:
        """Full tails go first: they hold up new rows. Those that would soon be merged become one segment at once."""
        tails = self._full_tails()
        if tails:
            return tails[: merge.FAN_OUT]
        return self._planned(merge.plan)

    def _quiet_sources(self) -> Sequence[Part]:
        return self._planned(merge.plan_when_quiet)

    def _planned(self, plan: Callable[[Sequence[merge.Size], int], list[int]]) -> Sequence[Part]:
        segments = [part for part in self._parts if isinstance(part, Segment)]
        sizes = [merge.Size(segment.count, segment.alive) for segment in segments]
        return [segments[position] for position in plan(sizes, self._settings.segment_size)]

    def _full_tails(self) -> list[Tail]:
        return [part for part in self._parts if isinstance(part, Tail) and part is not self._open_tail]

    def _build(self, sources: Sequence[Part]) -> None:
        """Put a segment of what is alive in the place of `sources`; nothing once the shelf is closed."""
        kept = [np.flatnonzero(source.view.live) for source in sources]
        ids = [source.ids[row] for source, rows in zip(sources, kept, strict=True) for row in rows.tolist()]
        vectors = np.concatenate([source.take(rows) for source, rows in zip(sources, kept, strict=True)])
        built = graph.build(vectors, self._breadth, lambda: self._may_go_on(sources)) if ids else None
        if built is None and ids:
            return
        with self._changed:
            # Some may have died meanwhile.
            live = np.concatenate([source.view.live[rows] for source, rows in zip(sources, kept, strict=True)])
            self._replace(sources, [Segment(ids, vectors, live, built)] if built else [])

    def _may_go_on(self, sources: Sequence[Part]) -> bool:
        """Asked between two steps of a long work. A merge pauses for full tails, which hold up new rows."""
        while isinstance(sources[0], Segment) and (tails := self._waiting_tails()):
            self._build(tails[: merge.FAN_OUT])
        return not self._closed

    def _waiting_tails(self) -> list[Tail]:
        with self._changed:  # never in the middle of a `take`
            return [] if self._closed else self._full_tails()

    def _replace(self, sources: Sequence[Part], segments: Sequence[Segment]) -> None:
        """Put `segments` where the first of their sources was."""
        at = self._parts.index(sources[0])
        rest = tuple(part for part in self._parts if part not in sources)
        self._parts = (*rest[:at], *segments, *rest[at:])
        self._publish()
        self._share_breadth()
        self._changed.notify_all()
