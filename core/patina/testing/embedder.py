"""An embedder without a model: texts that share words have near vectors."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from patina.testing._words import Words
from patina.types import Embedded, ModelInfo, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patina.types import Kind, Vector

SPECIAL_TOKENS = 2  # one before and one after the words, as trained models have them


class FakeEmbedder:
    """A bag of stemmed words, hashed into `dimension` places: deterministic on every machine, no download, fast.

    One word is one token, and every text has two more. `delay_s` is slept for each text, so that a test can watch
    work in progress. `texts` counts the texts embedded so far, `loaded` says whether a model would be in memory.
    """

    def __init__(self, *, name: str = "fake", dimension: int = 64, max_tokens: int = 512, delay_s: float = 0.0) -> None:
        recipe = f"patina fake embedder 1, {dimension} dimensions, {max_tokens} tokens"
        self.info = ModelInfo(
            name=name,
            dimension=dimension,
            max_tokens=max_tokens,
            identity=hashlib.sha256(recipe.encode()).hexdigest(),
        )
        self.delay_s = delay_s
        self.texts = 0
        self.loaded = False
        self._words = Words()
        self._lock = threading.Lock()

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:  # noqa: ARG002 (both kinds are alike)
        return [self._tokens(text) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        time.sleep(self.delay_s * len(batch))
        with self._lock:
            self.texts += len(batch)
            self.loaded = True
        vectors = np.zeros((len(batch), self.info.dimension), dtype=np.float32)
        for row, tokens in zip(vectors, batch, strict=True):
            row[:] = _unit(tokens.payload, self.info.dimension)
        return Embedded(vectors=vectors, tokens=sum(tokens.count for tokens in batch))

    def close(self) -> None:
        self.loaded = False

    def _tokens(self, text: str) -> Tokens:
        room = self.info.max_tokens - SPECIAL_TOKENS
        words = self._words(text)
        kept = tuple(words[:room])
        return Tokens(count=len(kept) + SPECIAL_TOKENS, truncated=len(words) > room, payload=kept)


def _unit(words: object, dimension: int) -> Vector:
    """Each word adds 1 or -1 at its place. A text without words, or whose words cancel out, points along the first."""
    vector = np.zeros(dimension, dtype=np.float32)
    for word in words if isinstance(words, tuple) else ():
        place = int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest())
        vector[place // 2 % dimension] += 1 if place % 2 else -1
    if not vector.any():
        vector[0] = 1
    return vector / np.linalg.norm(vector)
