"""A question in, passages out."""

from __future__ import annotations

from collections.abc import Mapping

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.retrieval.search import search


class Answers:
    """Asks the collections that a question names, or all."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {wire.Scry: self._scry}
        self.streams: Mapping[type, Stream] = {}

    async def _scry(self, request: wire.Scry) -> wire.Hits:
        rooms = self._rooms
        return await search(request, rooms.shelf.choose(request.repos), rooms.store, rooms.run)
