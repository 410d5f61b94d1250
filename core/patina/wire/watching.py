"""What a daemon counts of itself, and what it keeps of texts that were embedded lately."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from patina.types import Kind
from patina.wire.message import Name, Reply, Request, Text

MAX_WARM_TEXTS = 1_000


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a measure."""

    labels: dict[str, str] = {}
    value: float = 0.0
    """Of a histogram the sum of what was noted, in seconds."""
    buckets: list[int] = []
    """Of a histogram: how many there were up to each of its measure's bounds, and last how many at all."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    about: str
    kind: Literal["counter", "gauge", "histogram"]
    samples: list[Sample]
    bounds: list[float] = []
    """Of a histogram, in seconds."""


class MetricsReply(Reply, frozen=True, kw_only=True):
    measures: list[Measure]


class Metrics(Request[MetricsReply], frozen=True, kw_only=True, tag="metrics"):
    """Everything that is counted since the start. Never loads a model, reads no collection."""


class CacheReply(Reply, frozen=True, kw_only=True):
    """Vectors that were computed lately; counts since the start but for `entries` and `bytes`, which are held now."""

    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    evicted: int
    """Entries that had to make room for newer ones."""
    expired: int


class CacheStats(Request[CacheReply], frozen=True, kw_only=True, tag="cache_stats"):
    """What the cache of vectors holds."""


class ClearCache(Request[CacheReply], frozen=True, kw_only=True, tag="clear_cache"):
    """Forget them all. The reply says what there was."""


class WarmCache(Request[CacheReply], frozen=True, kw_only=True, tag="warm_cache"):
    """Embed some texts before anybody asks for them."""

    texts: Annotated[list[Text], Meta(min_length=1, max_length=MAX_WARM_TEXTS)]
    kind: Kind = "query"
    model: Name | None = None
