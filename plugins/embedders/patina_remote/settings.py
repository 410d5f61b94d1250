"""The section `[embedders.remote]`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from patina import Settings

Marking: TypeAlias = Literal["none", "input_type", "suffix"]
Dimension: TypeAlias = Annotated[int, Meta(ge=0, le=65_536)]
MaxTokens: TypeAlias = Annotated[int, Meta(ge=8, le=1_000_000)]
BatchTokens: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Attempts: TypeAlias = Annotated[int, Meta(ge=1, le=20)]
Wait: TypeAlias = Annotated[float, Meta(gt=0, le=3600)]

URL, DIMENSION, KEY_VARIABLE = ("embedders.remote.url", "embedders.remote.dimension", "embedders.remote.key_variable")
"""The settings that errors blame."""


class RemoteSettings(Settings, frozen=True, kw_only=True):
    """Where to send texts, and what its model is like. The key is never in a file: its variable is named here."""

    url: str = ""
    """Where `/embeddings` is below: `https://host/v1`."""
    model: str = ""
    dimension: Dimension = 0
    """What the vectors must have; 0 asks the endpoint once."""
    max_tokens: MaxTokens = 512
    """A text that may have more is cut."""
    key_variable: str = "PATINA_REMOTE_KEY"
    """The environment variable with the key; it may be unset."""
    kind: Marking = "none"
    """How the endpoint is told questions from passages: a Patina understands both ways."""
    prefix_query: str = ""
    prefix_passage: str = ""
    batch_tokens: BatchTokens = 8_192
    """What one call holds; 0 is one text a call."""
    timeout_s: Wait = 60.0
    attempts: Attempts = 5
    """At a call that is refused for now."""
