"""One hot model: what it says of itself, and texts into vectors with nothing computed twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from patina.errors import InvalidRequest, PatinaError, PluginError
from patina.models.cache import Cache, key
from patina.models.counting import Marks
from patina.models.everyday import EVERYDAY_QUESTIONS
from patina.models.queue import FairQueue, Lane, Result
from patina.models.sharing import Sharing
from patina.models.shortening import shortened
from patina.protocols import Detokenizer, Embedder
from patina.types import Kind, ModelInfo, Tokens

if TYPE_CHECKING:
    from patina.types import Vector

log = logging.getLogger(__name__)

Clock: TypeAlias = Callable[[], float]
T = TypeVar("T")

INLINE_CHARACTERS = 2_000
"""So short a text is tokenized at once: to hand it to a thread takes longer."""


class _TooLongError(Exception):
    """A text is over the model's maximum, and must not be cut."""

    def __init__(self, text: str) -> None:
        super().__init__("too long")
        self.text = text


class Model:
    """One embedder with its queue. `loaded` turns true with the first vector and false when it is unloaded."""

    def __init__(
        self,
        embedder: Embedder,
        queue: FairQueue,
        cache: Cache,
        marks: Marks,
        check_memory: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.name = marks.model
        self.loaded = False
        self.used = False
        """Whether it has ever computed anything."""
        self._queue = queue
        self._marks = marks
        self._check_memory = check_memory
        """Raises `Busy` while there is no room for another model."""
        self._embedder = embedder
        self._sharing = Sharing(cache)
        self._prepare = ThreadPoolExecutor(1, thread_name_prefix="patina-tokens")
        self._clock = clock
        self.last_used = clock()
        self.everyday: Vector | None = None
        """What its vectors of questions have in common, whatever they ask: a mean; None until `learn_everyday`."""

    @property
    def waiting(self) -> int:
        return self._queue.waiting

    @property
    def waiting_tokens(self) -> int:
        return self._queue.waiting_tokens

    @property
    def broken(self) -> bool:
        return self._queue.broken

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

    async def detokenize(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """What its own token ids stand for. Raises `InvalidRequest` for an id that it has not, or if it cannot tell."""
        embedder = self._embedder
        if not isinstance(embedder, Detokenizer):
            raise InvalidRequest(
                f"{self.info().name} cannot tell what its token ids stand for.", hint="Send the text.", param="ids"
            )
        return await self._in_prepare(lambda: embedder.detokenize(ids))

    async def shorten(self, texts: Sequence[str], kind: Kind, limit: int) -> list[str]:
        """Each text, or the longest beginning of it that has `limit` tokens, prefix and special tokens included.

        Raises `InvalidRequest` when so few are not enough for any text.
        """

        def count(text: str) -> int:
            [tokens] = self._embedder.tokenize([text], kind)
            return tokens.count + tokens.truncated

        short = await self._in_prepare(lambda: [shortened(text, limit, count) for text in texts])
        if "" in short:
            raise InvalidRequest(
                f"{limit} tokens leave no room beside the prefix and the special ones.",
                hint="Allow more.",
                param="truncate",
            )
        return short

    async def embed(self, texts: Sequence[str], kind: Kind, lane: Lane, *, cut: bool = True) -> list[Result]:
        """One result a text, in order. Equal texts are computed once, and those of late come from the cache.

        With `cut` a text over the model's maximum is cut there, else refused. Raises `InvalidRequest` with its place
        for that, `Busy` when too much is waiting, and what the model throws.
        """
        if lane is Lane.BACKGROUND:  # its texts are all different, and would drive everybody else's from the cache
            return await self._compute(texts, kind, lane)
        keys = [key(self.name, kind, text) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        try:
            found = await self._sharing.results(wanted, lambda new: self._compute(new, kind, lane, cut=cut))
        except _TooLongError as error:
            raise self._too_long(list(texts).index(error.text)) from None
        results = [found[one] for one in keys]
        if not cut:
            for place, result in enumerate(results):
                if result.truncated:
                    raise self._too_long(place)
        return results

    async def _compute(self, texts: Sequence[str], kind: Kind, lane: Lane, *, cut: bool = True) -> list[Result]:
        batch = await self._tokenized(texts, kind)
        if not cut:
            for text, tokens in zip(texts, batch, strict=True):
                if tokens.truncated:
                    raise _TooLongError(text)
        if not self.loaded:
            self._check_memory()
        self.last_used = self._clock()
        results = await self._queue.embed(batch, lane)
        self.last_used = self._clock()
        if not self.loaded:
            self.loaded = self.used = True
            self._marks.changed("loaded")
        return results

    async def _tokenized(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        if self.loaded and len(texts) == 1 and len(texts[0]) <= INLINE_CHARACTERS:
            return self._embedder.tokenize(texts, kind)
        return await self._in_prepare(lambda: self._embedder.tokenize(texts, kind))

    def _too_long(self, place: int) -> InvalidRequest:
        info = self._embedder.info
        return InvalidRequest(
            f"A text has more than {info.max_tokens} tokens, which is all that {info.name} takes.",
            hint="Shorten it, or set `truncate`.",
            param=f"texts[{place}]",
        )

    async def learn_everyday(self) -> None:
        """Embed some questions about anything, for `everyday`; after the first time this costs nothing."""
        if self.everyday is None:
            import numpy as np  # whoever only lists models does without

            results = await self.embed(EVERYDAY_QUESTIONS, "query", Lane.QUESTION)
            self.everyday = np.mean([result.vector for result in results], axis=0, dtype=np.float32)

    def unload(self) -> None:
        self._embedder.close()
        if self.loaded:
            self.loaded = False
            self._marks.changed("unloaded")

    def close(self) -> None:
        self._queue.close()
        self._prepare.shutdown(wait=True, cancel_futures=True)
        self.unload()

    async def _in_prepare(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._prepare, work)
