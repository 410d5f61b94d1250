"""Equal texts are computed once: what the cache has, or somebody else is having computed, is not asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from patina.models.cache import Cache, Key
from patina.models.queue import Result

Compute: TypeAlias = Callable[[Sequence[str]], Awaitable[list[Result]]]
"""Some texts, each once, into results in their order."""


class _Flying(NamedTuple):
    """A text that a request is having computed."""

    result: asyncio.Future[Result]
    size: int
    """Of that request, in texts."""


class Sharing:
    """Between the requests to one model and their results. For the event loop."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._flying: dict[Key, _Flying] = {}

    async def results(self, texts: Mapping[Key, str], compute: Compute) -> dict[Key, Result]:
        """Every text's result. Raises what `compute` raises.

        Nobody waits for a request that is longer than their own, and one that fails or is cancelled fails alone: who
        waited for its texts has them computed after all.
        """
        found = {key: known for key in texts if (known := self._cache.get(key)) is not None}
        others = {key: self._flying[key] for key in texts if key not in found and self._shared(key, len(texts))}
        own = {key: text for key, text in texts.items() if key not in found and key not in others}
        found |= await self._computed(own, len(texts), compute)
        for key, flying in others.items():
            await asyncio.wait({flying.result})
            if flying.result.cancelled():
                found |= await self.results({key: texts[key]}, compute)
            else:
                found[key] = flying.result.result()
        return found

    def _shared(self, key: Key, size: int) -> bool:
        return key in self._flying and self._flying[key].size <= size

    async def _computed(self, texts: Mapping[Key, str], size: int, compute: Compute) -> dict[Key, Result]:
        if not texts:
            return {}
        loop = asyncio.get_running_loop()
        mine = {key: _Flying(loop.create_future(), size) for key in texts}
        self._flying |= mine
        try:
            results = dict(zip(texts, await compute(list(texts.values())), strict=True))
            for key, result in results.items():
                self._cache.put(key, result)
                mine[key].result.set_result(result)
            return results
        finally:
            for key, flying in mine.items():
                if self._flying.get(key) is flying:
                    del self._flying[key]
                flying.result.cancel()  # which says nothing to one that has its result
