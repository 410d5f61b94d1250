"""What is counted, for whoever watches; and the cache of vectors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import structs

from patina import __version__, wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.engine.health import Presence
from patina.engine.models import Models
from patina.errors import PatinaError
from patina.meters import SECONDS, Counter, Histogram
from patina.models import Lane
from patina.models.pool import rss_mb
from patina.wire import Measure, Sample


class Requests:
    """The requests that were answered, whatever door they came through."""

    def __init__(self) -> None:
        self.answered = Counter("patina_requests", "Answered: ok, or an error's code.", "request", "outcome")
        self.took = Histogram("patina_request_seconds", "Until the answer was whole.", "request")

    def note(self, request: wire.Request[Any], failure: BaseException | None, seconds: float) -> None:
        name = type(request).__name__
        self.answered.add(name, _outcome(failure))
        self.took.note(seconds, name)


class Watching:
    """Tells what the rooms have counted."""

    def __init__(self, rooms: Rooms, presence: Presence, requests: Requests, models: Models) -> None:
        self._rooms = rooms
        self._presence = presence
        self._requests = requests
        self._models = models
        self.handlers: Mapping[type, Handler] = {
            wire.Metrics: self._metrics,
            wire.CacheStats: self._cache_stats,
            wire.ClearCache: self._clear_cache,
            wire.WarmCache: self._warm_cache,
        }
        self.streams: Mapping[type, Stream] = {}

    async def _metrics(self, _: wire.Metrics) -> wire.MetricsReply:
        kept = (self._requests.answered, self._requests.took, *self._rooms.pool.counting.all)
        return wire.MetricsReply(measures=[*self._now(), *map(_measured, kept)])

    async def _cache_stats(self, _: wire.CacheStats) -> wire.CacheReply:
        return self._rooms.pool.cache.stats()

    async def _clear_cache(self, _: wire.ClearCache) -> wire.CacheReply:
        before = self._rooms.pool.cache.stats()
        self._rooms.pool.cache.clear()
        return before

    async def _warm_cache(self, request: wire.WarmCache) -> wire.CacheReply:
        model = await self._models.choose(request.model)
        await model.embed(request.texts, request.kind, Lane.REQUEST)
        return self._rooms.pool.cache.stats()

    def _now(self) -> Iterator[Measure]:
        """What is so at this moment, and counts that are kept elsewhere."""
        models, cache = self._rooms.pool.models, self._rooms.pool.cache.stats()
        uptime_s = round(time.monotonic() - self._presence.started, 3)
        yield _gauge("patina_info", "The version that runs.", "version", {__version__: 1})
        yield _gauge("patina_uptime_seconds", "Since the start.", "", {"": uptime_s})
        yield _gauge("patina_resident_bytes", "Of memory.", "", {"": round(rss_mb() * 2**20)})
        yield _gauge("patina_model_loaded", "In memory.", "model", {one.name: one.loaded for one in models})
        yield _gauge("patina_model_broken", "Failing for long.", "model", {one.name: one.broken for one in models})
        yield _gauge("patina_queue_texts", "Waiting.", "model", {one.name: one.waiting for one in models})
        yield _gauge("patina_queue_tokens", "Waiting.", "model", {one.name: one.waiting_tokens for one in models})
        yield _gauge("patina_cache_entries", "Vectors that are held.", "", {"": cache.entries})
        yield _gauge("patina_cache_bytes", "What they take.", "", {"": cache.bytes})
        yield _count("patina_cache_lookups", "Of texts.", "outcome", {"hit": cache.hits, "miss": cache.misses})
        left = {"evicted": cache.evicted, "expired": cache.expired}
        yield _count("patina_cache_removals", "Of vectors, by themselves.", "reason", left)


def _outcome(failure: BaseException | None) -> str:
    match failure:
        case None:
            return "ok"
        case PatinaError():
            return failure.code
        case Exception():
            return "failed"
    return "cancelled"  # or a stream that was closed by its listener


def _measured(meter: Counter | Histogram) -> Measure:
    if isinstance(meter, Counter):
        samples = [
            Sample(labels=dict(zip(meter.labels, values, strict=True)), value=value)
            for values, value in meter.read().items()
        ]
        return Measure(name=meter.name, about=meter.about, kind="counter", samples=samples)
    samples = [
        Sample(labels=dict(zip(meter.labels, values, strict=True)), value=seconds, buckets=buckets)
        for values, (seconds, buckets) in meter.read().items()
    ]
    return Measure(name=meter.name, about=meter.about, kind="histogram", samples=samples, bounds=list(SECONDS))


def _gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> Measure:
    """By the value of one label; of none for the label ""."""
    samples = [Sample(labels={label: which} if label else {}, value=value) for which, value in values.items()]
    return Measure(name=name, about=about, kind="gauge", samples=samples)


def _count(name: str, about: str, label: str, values: Mapping[str, float]) -> Measure:
    return structs.replace(_gauge(name, about, label, values), kind="counter")
