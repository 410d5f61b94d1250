"""Is anybody there, how are they, and end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Protocol

from patina import __version__, wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.errors import PatinaError
from patina.models.pool import rss_mb
from patina.types import Endpoint


class Presence(Protocol):
    """The engine, as far as its own life goes."""

    endpoints: list[Endpoint]
    shutdown_requested: asyncio.Event
    started: float
    """By the monotonic clock."""


class Health:
    """The life of the engine, as others see it."""

    def __init__(self, rooms: Rooms, presence: Presence) -> None:
        self._rooms = rooms
        self._presence = presence
        self.handlers: Mapping[type, Handler] = {
            wire.Ping: self._ping,
            wire.Status: self._status,
            wire.Shutdown: self._shutdown,
        }
        self.streams: Mapping[type, Stream] = {}

    async def _ping(self, _: wire.Ping) -> wire.Pong:
        broken = [model.name for model in self._rooms.pool.models if model.broken]
        trouble = f"A model fails again and again: {', '.join(broken)}." if broken else None
        return wire.Pong(version=__version__, pid=os.getpid(), trouble=trouble)

    async def _shutdown(self, _: wire.Shutdown) -> wire.Stopping:
        self._presence.shutdown_requested.set()
        return wire.Stopping(pid=os.getpid())

    async def _status(self, _: wire.Status) -> wire.StatusReply:
        default = self._rooms.pool.model(self._rooms.config.defaults.embedder)
        try:
            model: str | None = (await default.describe()).name
        except PatinaError:
            model = None
        return wire.StatusReply(
            version=__version__,
            pid=os.getpid(),
            home=str(self._rooms.config.home),
            uptime_s=round(time.monotonic() - self._presence.started, 3),
            endpoints=[str(endpoint) for endpoint in self._presence.endpoints],
            model=model,
            model_loaded=default.loaded,
            waiting=self._rooms.pool.waiting,
            rss_mb=round(rss_mb(), 1),
            collections=await self._rooms.run(self._rooms.indexing.statuses),
            notes=self._notes(),
            recovered=self._rooms.store.recovered,
            jobs=await self._rooms.jobs.under_way(),
        )

    def _notes(self) -> list[str]:
        broken = [f"Plugin {p.name} of {p.distribution}: {p.error}" for p in self._rooms.registry.plugins if p.error]
        return [*self._rooms.soundness.notes, *self._rooms.config.notes, *broken, *self._rooms.indexing.notes()]
