"""The pool of hot models: each is built once, loads on first use, and is unloaded when it has been idle."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from patina.errors import PatinaError, PluginError
from patina.models.everyday import EVERYDAY_QUESTIONS
from patina.models.queue import FairQueue, Lane, Result
from patina.protocols import Embedder
from patina.types import Kind, ModelInfo, Tokens

if TYPE_CHECKING:
    from patina.types import Vector

log = logging.getLogger(__name__)

Clock = Callable[[], float]
T = TypeVar("T")


class Model:
    """One embedder with its queue. `loaded` turns true with the first vector and false when it is unloaded."""

    def __init__(self, name: str, embedder: Embedder, threads: int, clock: Clock = time.monotonic) -> None:
        self.name = name
        self.loaded = False
        self._embedder = embedder
        self._queue = FairQueue(embedder, threads)
        self._prepare = ThreadPoolExecutor(1, thread_name_prefix="patina-tokens")
        self._clock = clock
        self.last_used = clock()
        self.everyday: Vector | None = None
        """What its vectors of questions have in common, whatever they ask: a mean; None until `learn_everyday`."""

    @property
    def waiting(self) -> int:
        return self._queue.waiting

    @property
    def idle(self) -> bool:
        return self._queue.idle

    def info(self) -> ModelInfo:
        """Blocks for a moment the first time.

        Raises `Unavailable` when there is no such model, `PluginError` for whatever else its plugin throws.
        """
        try:
            return self._embedder.info
        except PatinaError:
            raise
        except Exception as error:  # loading a plugin's model: one that breaks is reported, the rest runs
            log.debug("embedder=%s failed", self.name, exc_info=True)
            raise PluginError(
                f"The embedder {self.name!r} failed: {type(error).__name__}: {error}.",
                hint="Choose another embedder in [defaults], or ask the plugin's author.",
            ) from error

    async def describe(self) -> ModelInfo:
        """`info`, off the event loop."""
        return await self._in_prepare(self.info)

    def measure(self, texts: Sequence[str]) -> list[int]:
        """Token counts of passages, prefix and special tokens included. Blocks; for the chunker's thread."""
        return [tokens.count for tokens in self._embedder.tokenize(texts, "passage")]

    async def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        return await self._in_prepare(lambda: self._embedder.tokenize(texts, kind))

    async def embed(self, texts: Sequence[str], kind: Kind, lane: Lane) -> list[Result]:
        """One result a text, in order."""
        return await self.compute(await self.tokenize(texts, kind), lane)

    async def compute(self, batch: Sequence[Tokens], lane: Lane) -> list[Result]:
        """Embed texts that were tokenized before."""
        self.last_used = self._clock()
        results = await self._queue.embed(batch, lane)
        self.last_used = self._clock()
        self.loaded = True
        return results

    async def learn_everyday(self) -> None:
        """Embed some questions about anything, for `everyday`; after the first time this costs nothing."""
        if self.everyday is None:
            import numpy as np  # whoever only lists models does without

            results = await self.embed(EVERYDAY_QUESTIONS, "query", Lane.QUESTION)
            self.everyday = np.mean([result.vector for result in results], axis=0, dtype=np.float32)

    def unload(self) -> None:
        self._embedder.close()
        self.loaded = False

    def close(self) -> None:
        self._queue.close()
        self._prepare.shutdown(wait=True, cancel_futures=True)
        self.unload()

    async def _in_prepare(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._prepare, work)


class ModelPool:
    """Models by name, built by `build` when they are first asked for.

    keep_alive_s: unload after so many idle seconds; 0 = as soon as idle, below 0 = never.
    max_memory_mb: above this resident size idle models are unloaded at once.
    """

    def __init__(
        self,
        build: Callable[[str], Embedder],
        *,
        threads: int = 0,
        keep_alive_s: float = 300.0,
        max_memory_mb: int = 2048,
        clock: Clock = time.monotonic,
    ) -> None:
        self._build = build
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
            self._models[name] = Model(name, self._build(name), self._threads, self._clock)
        return self._models[name]

    def unload_idle(self) -> None:
        """Unload what has been idle for long enough, or at all when memory is short. Blocks for a moment."""
        crowded = rss_mb() > self._max_memory_mb
        for model in self._models.values():
            rested = 0 <= self._keep_alive_s <= self._clock() - model.last_used
            if model.loaded and model.idle and (rested or crowded):
                model.unload()

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
