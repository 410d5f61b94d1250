"""Texts in, vectors out; token ids in, texts out; and the models there are."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from patina.errors import ModelNotFound
from patina.types import Kind
from patina.wire.message import Name, Reply, Request, Text

MAX_EMBED_TEXTS = 2048
MAX_TOKEN_IDS = 1_000_000

Truncate: TypeAlias = bool | Annotated[int, Meta(ge=1, le=100_000)]
TokenId = Annotated[int, Meta(ge=0, lt=1 << 31)]


class Embeddings(Reply, frozen=True, kw_only=True):
    model: str
    dimension: int
    vectors: list[bytes]
    """One for each text, in order: `dimension` little-endian float32."""
    tokens: list[int]
    """Computed for each text, prefix and special tokens included."""
    truncated: list[int] = []
    """Positions of the texts that were cut to the model's maximum."""


class Embed(Request[Embeddings], frozen=True, kw_only=True, tag="embed"):
    texts: Annotated[list[Text], Meta(min_length=1, max_length=MAX_EMBED_TEXTS)]
    kind: Kind = "query"
    model: Name | None = None
    """A name from `Models`; null takes the default."""
    truncate: Truncate = False
    """Cut a text over the model's maximum, or over so many tokens; otherwise it is refused."""


class Detokenized(Reply, frozen=True, kw_only=True):
    texts: list[str]
    """One for each list of ids, in order."""


class Detokenize(Request[Detokenized], frozen=True, kw_only=True, tag="detokenize"):
    """What a model's own token ids stand for; special tokens stand for nothing."""

    ids: Annotated[
        list[Annotated[list[TokenId], Meta(max_length=MAX_TOKEN_IDS)]],
        Meta(min_length=1, max_length=MAX_EMBED_TEXTS),
    ]
    model: Name | None = None
    """A name from `Models`; null takes the default."""


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    dimension: int
    max_tokens: int
    created: int
    """Unix time of the artefact."""
    default: bool
    loaded: bool
    aliases: list[str] = []
    """Other names that mean this model, as configured."""
    waiting: int = 0
    """Texts that no thread has taken yet."""
    last_used: float | None = None
    """Unix time; null before the first time."""
    unloads_at: float | None = None
    """Unix time, unless it is used before; null for one that stays, or is not loaded."""


class ModelList(Reply, frozen=True, kw_only=True):
    models: list[ModelEntry]
    """The default first."""

    def entry(self, name: str) -> ModelEntry:
        """The model of that name or alias. Raises `ModelNotFound` with the names there are, and how to add this one."""
        for entry in self.models:
            if name == entry.name or name in entry.aliases:
                return entry
        raise ModelNotFound(f"There is no model {name!r}.", hint=self._recipe(name), param="model")

    def _recipe(self, name: str) -> str:
        known = [name for entry in self.models for name in (entry.name, *entry.aliases)]
        pair = " = ".join(json.dumps(one, ensure_ascii=False) for one in (name, known[0]))
        return (
            f"There is: {', '.join(known)}. To call one so, write aliases = {{ {pair} }} under [models] in config.toml."
        )


class Models(Request[ModelList], frozen=True, kw_only=True, tag="models"):
    """Every model that can be named. Loads none."""
