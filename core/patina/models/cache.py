"""Vectors that were computed lately, by what they were made of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import TypeAlias

from patina.models.queue import Result
from patina.types import Kind
from patina.wire import CacheReply

Key: TypeAlias = bytes

ENTRY_BYTES = 400
"""What an entry takes beside its vector."""


def key(model: str, kind: Kind, text: str) -> Key:
    """Of a text for a model, with the prefix that goes with its kind."""
    return blake2b(f"{model}\0{kind}\0{text}".encode(errors="surrogatepass"), digest_size=16).digest()


class Cache:
    """Least recently used entries make room for new ones; none is given away that is older than `ttl_s`.

    For the event loop. With `max_bytes` 0 nothing is kept.
    """

    def __init__(self, max_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._clock = clock
        self._held: OrderedDict[Key, tuple[float, Result]] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = self._evicted = self._expired = 0

    def get(self, key: Key) -> Result | None:
        entry = self._held.get(key)
        if entry is not None and self._clock() - entry[0] > self._ttl_s:
            self._remove(key)
            self._expired += 1
            entry = None
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._held.move_to_end(key)
        return entry[1]

    def put(self, key: Key, result: Result) -> None:
        self._remove(key)
        size = _size(result)
        if size > self._max_bytes:
            return
        self._held[key] = (self._clock(), result)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._held)))
            self._evicted += 1

    def clear(self) -> int:
        """Returns how many entries there were."""
        count = len(self._held)
        self._held.clear()
        self._bytes = 0
        return count

    def stats(self) -> CacheReply:
        return CacheReply(
            entries=len(self._held),
            bytes=self._bytes,
            max_bytes=self._max_bytes,
            hits=self._hits,
            misses=self._misses,
            evicted=self._evicted,
            expired=self._expired,
        )

    def _remove(self, key: Key) -> None:
        entry = self._held.pop(key, None)
        if entry is not None:
            self._bytes -= _size(entry[1])


def _size(result: Result) -> int:
    return result.vector.nbytes + ENTRY_BYTES
