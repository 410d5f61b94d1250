"""The embedder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from patina.errors import ConfigError, Failed
from patina.ingest.estimate import estimate
from patina.types import Embedded, ModelInfo, Tokens
from patina_remote.endpoint import Endpoint
from patina_remote.settings import DIMENSION, URL, RemoteSettings

if TYPE_CHECKING:
    from patina.types import Kind, Vectors

PROBE = "How many numbers has a vector?"
SHORTEST = 1e-12


class _Text(NamedTuple):
    """What an endpoint is sent."""

    text: str
    kind: Kind


class RemoteEmbedder:
    """Texts go out, unit vectors come back. Tokens are estimated: the endpoint counts for itself.

    Its identity is the model's name with what is done to texts, not the address: a fleet may move.
    """

    def __init__(self, settings: RemoteSettings) -> None:
        if not settings.model:
            raise ConfigError("The remote embedder has no model.", hint="Name it.", param="embedders.remote.model")
        self._settings = settings
        self._endpoint = Endpoint(settings)
        self._lock = threading.Lock()
        self._dimension = settings.dimension

    @property
    def info(self) -> ModelInfo:
        """Asks the endpoint for a vector if nobody has said how long they are. Raises as `embed` does."""
        settings = self._settings
        dimension = self._known_dimension()
        use = ["remote", settings.model, dimension, settings.max_tokens, settings.prefix_query, settings.prefix_passage]
        identity = hashlib.sha256(msgspec.json.encode([*use, settings.kind])).hexdigest()
        return ModelInfo(
            name=settings.model,
            dimension=dimension,
            max_tokens=settings.max_tokens,
            identity=identity,
            exact_tokens=False,
            batch_tokens=settings.batch_tokens,
        )

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        prefix = self._settings.prefix_query if kind == "query" else self._settings.prefix_passage
        return [self._cut(prefix + text.encode(errors="replace").decode(), kind) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        """Raises `Unavailable`, `Denied`, `ModelNotFound`, `InvalidRequest`, and `Failed` for what is no answer."""
        texts = [_text(tokens) for tokens in batch]
        vectors = np.empty((len(texts), self._known_dimension()), np.float32)
        counted, attempts = 0, self._settings.attempts
        for kind in sorted({text.kind for text in texts}):
            places = [place for place, text in enumerate(texts) if text.kind == kind]
            given, tokens = self._endpoint.embed([texts[place].text for place in places], kind, attempts)
            vectors[places] = self._checked(given)
            counted += tokens
        return Embedded(vectors, counted or sum(tokens.count for tokens in batch))

    def close(self) -> None:
        self._endpoint.close()

    def _cut(self, text: str, kind: Kind) -> Tokens:
        text = text or " "  # no text at all is refused nearly everywhere
        most = self._settings.max_tokens
        [count] = estimate([text])
        if count <= most:
            return Tokens(count=count, truncated=False, payload=_Text(text, kind))
        kept = text[: max(1, len(text) * most // count)]
        return Tokens(count=most, truncated=True, payload=_Text(kept, kind))

    def _known_dimension(self) -> int:
        with self._lock:
            if not self._dimension:
                vectors, _ = self._endpoint.embed([PROBE], "query", attempts=1)  # somebody may only want a list
                self._dimension = vectors.shape[1]
            return self._dimension

    def _checked(self, vectors: Vectors) -> Vectors:
        """Of length one. Raises `ConfigError` when they are longer or shorter than those before."""
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:  # noqa: PLR2004 - rows and columns
            raise ConfigError(
                f"The vectors of {self._settings.url} have {vectors.shape[-1]} numbers, not {self._dimension}.",
                hint="Correct it, or index anew with `patina rebuild`.",
                param=DIMENSION,
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or float(lengths.min()) < SHORTEST:
            raise Failed(f"{self._settings.url} gave a vector of no direction.", hint="Try another model.", param=URL)
        unit: Vectors = vectors / lengths
        return unit


def _text(tokens: Tokens) -> _Text:
    if not isinstance(tokens.payload, _Text):
        raise TypeError("these tokens are another embedder's")
    return tokens.payload
