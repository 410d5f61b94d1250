"""The pool of hot models: each is built once, loads on first use, and is unloaded when it has been idle."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from patina.errors import Busy
from patina.models.cache import Cache
from patina.models.counting import Counting
from patina.models.model import Clock, Model
from patina.models.queue import MAX_WAITING_TOKENS, FairQueue
from patina.protocols import Embedder

RETRY_AFTER_S = 10.0
"""When there may be room for another model."""


class ModelPool:
    """Models by name, built by `build` when they are first asked for.

    keep_alive_s: unload after so many idle seconds; 0 = as soon as idle, below 0 = never.
    max_memory_mb: above this resident size idle models are unloaded, and no other one is loaded.
    queue_tokens: what may wait for one model.
    cache: results of late, of all models.
    """

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        build: Callable[[str], Embedder],
        *,
        cache: Cache,
        threads: int = 0,
        keep_alive_s: float = 300.0,
        max_memory_mb: int = 2048,
        queue_tokens: int = MAX_WAITING_TOKENS,
        clock: Clock = time.monotonic,
    ) -> None:
        self.cache = cache
        self.counting = Counting()
        self._build = build
        self._queue_tokens = queue_tokens
        self._threads = threads or os.cpu_count() or 1
        self._keep_alive_s = keep_alive_s
        self._max_memory_mb = max_memory_mb
        self._clock = clock
        self._models: dict[str, Model] = {}

    @property
    def models(self) -> list[Model]:
        return list(self._models.values())

    @property
    def waiting(self) -> int:
        return sum(model.waiting for model in self._models.values())

    def model(self, name: str) -> Model:
        """Raises `ConfigError` for a name that no plugin offers."""
        if name not in self._models:
            embedder = self._build(name)
            marks = self.counting.of(name)
            queue = FairQueue(embedder, self._threads, self._queue_tokens, marks)
            self._models[name] = Model(embedder, queue, self.cache, marks, self._check_memory, self._clock)
        return self._models[name]

    def unload_idle(self) -> None:
        """Unload what has been idle for long enough, and as many more as memory is short of. Blocks for a moment."""
        for model in sorted(self._models.values(), key=lambda model: model.last_used):
            if model.loaded and model.idle and (self._rested(model) or rss_mb() > self._max_memory_mb):
                model.unload()

    def unloads_in_s(self, model: Model) -> float | None:
        """None for one that stays, or is not loaded."""
        if not model.loaded or self._keep_alive_s < 0:
            return None
        return max(0.0, model.last_used + self._keep_alive_s - self._clock())

    def idle_s(self, model: Model) -> float:
        return self._clock() - model.last_used

    def _rested(self, model: Model) -> bool:
        return 0 <= self._keep_alive_s <= self.idle_s(model)

    def _check_memory(self) -> None:
        if rss_mb() <= self._max_memory_mb:
            return
        self.unload_idle()
        taken_mb = rss_mb()
        if taken_mb > self._max_memory_mb:
            raise Busy(
                f"Patina takes {taken_mb:.0f} MB, and a model more would be too much.",
                hint="Try again when others are idle, or raise daemon.max_memory_mb.",
                retry_after_s=RETRY_AFTER_S,
            )

    def close(self) -> None:
        for model in self._models.values():
            model.close()
        self._models.clear()


def rss_mb() -> float:
    """This process's resident memory."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # elsewhere only the peak is to be had: bytes on macOS
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
