"""The embedder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
import numpy as np

from patina.errors import ConfigError, Failed
from patina.types import Embedded, ModelInfo
from patina_onnx import pooling
from patina_onnx import source as sources
from patina_onnx.card import Card, overridden
from patina_onnx.memory import give_back
from patina_onnx.session import Session
from patina_onnx.settings import MODEL, OnnxSettings

if TYPE_CHECKING:
    from patina.types import Kind, Tokens, Vector

T = TypeVar("T")


class OnnxEmbedder:
    """A text encoder in onnxruntime, one text a call.

    Nothing is opened before it is needed: `info` reads no more than the card and, of a directory, the files' digests;
    `tokenize` opens the tokenizer; `embed` the model. Each raises `Unavailable` when there is no model.
    """

    def __init__(self, settings: OnnxSettings) -> None:
        self._source = _Lazy(lambda: sources.find(settings))
        self._card = _Lazy(lambda: overridden(self._source().card, settings))
        self._info = _Lazy(lambda: _described(self._card(), self._source().fingerprint))
        self._tokenizer = _Lazy(lambda: self._source().tokenizer(self._card().max_tokens))
        self._session = _Lazy(lambda: Session(self._source().model()))

    @property
    def info(self) -> ModelInfo:
        return msgspec.structs.replace(self._info(), created=self._source().created)  # it may only now be made

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        card = self._card()
        prefix = card.prefix_query if kind == "query" else card.prefix_passage
        return self._tokenizer()([prefix + _encodable(text) for text in texts])

    def detokenize(self, ids: Sequence[Sequence[int]]) -> list[str]:
        return self._tokenizer().texts(ids)

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        session, card = self._session(), self._card()
        vectors = np.empty((len(batch), card.dimension), np.float32)
        for row, tokens in zip(vectors, batch, strict=True):
            row[:] = _vector(session, card, tokens)
        return Embedded(vectors, sum(tokens.count for tokens in batch))

    def close(self) -> None:
        self._session.forget()
        self._tokenizer.forget()
        give_back()


def _vector(session: Session, card: Card, tokens: Tokens) -> Vector:
    if not isinstance(tokens.payload, np.ndarray):
        raise TypeError("these tokens are another embedder's")
    states = session(tokens.payload)
    vector = pooling.pooled(states, card.pooling) if states.ndim > 1 else states
    if vector.shape != (card.dimension,):
        raise ConfigError(
            f"The vectors of {card.name} have {vector.size} numbers, not {card.dimension}.",
            hint="Correct dimension in its patina-model.json.",
            param=MODEL,
        )
    if not np.isfinite(vector).all():
        raise Failed(
            f"{card.name} gave a vector that is not finite for a text of {tokens.count} tokens.",
            hint="Export the model again, or choose another one.",
            param=MODEL,
        )
    return pooling.normalised(vector, card.normalization)


def _encodable(text: str) -> str:
    """Without the halves of surrogate pairs that a command line or a file name may bring in."""
    return text.encode(errors="replace").decode()


def _described(card: Card, fingerprint: str) -> ModelInfo:
    """The identity covers everything that can change a vector: the files and how they are used."""
    use = [card.pooling, card.normalization, card.prefix_query, card.prefix_passage, card.max_tokens]
    identity = hashlib.sha256(msgspec.json.encode([fingerprint, *use])).hexdigest()
    return ModelInfo(name=card.name, dimension=card.dimension, max_tokens=card.max_tokens, identity=identity)


class _Lazy(Generic[T]):
    """A value made by the first thread that asks for it, while the others wait; made again after `forget`."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value: T | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._value is None:
                self._value = self._make()
            return self._value

    def forget(self) -> None:
        with self._lock:
            self._value = None
