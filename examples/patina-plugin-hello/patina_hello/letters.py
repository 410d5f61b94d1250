"""An embedder that needs no model: a text is the groups of letters in it, so that misspelt words are still near."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

import numpy as np

from patina.types import Embedded, Kind, ModelInfo, Tokens
from patina_hello.settings import LettersSettings


class LettersEmbedder:
    """Counts groups of letters into `dimension` buckets. It has no state, so threads cannot disturb each other."""

    def __init__(self, settings: LettersSettings) -> None:
        recipe = f"letters 1: {settings.dimension} buckets, {settings.letters} letters, {settings.max_tokens} groups"
        self._letters = settings.letters
        self.info = ModelInfo(
            name="letters",
            dimension=settings.dimension,
            max_tokens=settings.max_tokens,
            identity=hashlib.sha256(recipe.encode()).hexdigest(),  # another recipe makes other vectors
        )

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        """Questions and passages are read alike, whatever `kind` says."""
        return [self._tokens(text) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        vectors = np.zeros((len(batch), self.info.dimension), dtype=np.float32)
        for row, tokens in enumerate(batch):
            buckets = np.asarray(tokens.payload, dtype=np.intp) % self.info.dimension
            np.add.at(vectors[row], buckets, 1)
            vectors[row] /= np.linalg.norm(vectors[row])
        return Embedded(vectors=vectors, tokens=sum(tokens.count for tokens in batch))

    def close(self) -> None:
        """There is nothing to give back."""

    def _tokens(self, text: str) -> Tokens:
        """The spaces around make the edges of words count, and give even an empty text one group."""
        padded = f" {' '.join(text.casefold().split())} ".ljust(self._letters)
        groups = [padded[at : at + self._letters] for at in range(len(padded) - self._letters + 1)]
        kept = groups[: self.info.max_tokens]
        numbers = [zlib.crc32(group.encode(errors="replace")) for group in kept]
        return Tokens(count=len(kept), truncated=len(groups) > len(kept), payload=numbers)
