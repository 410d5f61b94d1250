"""Documents and files in."""

from __future__ import annotations

from collections.abc import Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream


class Intake:
    """Hands what is to be taken in to the collections' writers."""

    def __init__(self, rooms: Rooms) -> None:
        indexing = rooms.indexing
        self.handlers: Mapping[type, Handler] = {wire.Index: indexing.documents}
        self.streams: Mapping[type, Stream] = {wire.IndexPaths: indexing.paths, wire.Rebuild: indexing.rebuild}
