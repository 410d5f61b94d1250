"""The section `[embedders.onnx]`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from patina import Settings

Artefact: TypeAlias = Literal["int8", "fp32"]
Pooling: TypeAlias = Literal["mean", "cls", "max", "last"]
Normalization: TypeAlias = Literal["l2", "none"]
MaxTokens: TypeAlias = Annotated[int, Meta(ge=8, le=32_768)]

MODEL = "embedders.onnx.model"
"""The setting that an error about a model blames."""


class OnnxSettings(Settings, frozen=True, kw_only=True):
    """Which model, and what to do other than the model says of itself; None leaves it to the model."""

    model: str = "multilingual-e5-small"
    """The default model's name, a directory, or the id of a model on the Hugging Face hub ("org/name")."""
    artefact: Artefact = "int8"
    """How the default model is written: int8 embeds about twice as fast as fp32."""
    prefix_query: str | None = None
    prefix_passage: str | None = None
    pooling: Pooling | None = None
    normalization: Normalization | None = None
    max_tokens: MaxTokens | None = None
    """Texts are cut there, special tokens and prefix included."""
    model_cache: str = ""
    """Where the default model is written; empty means ~/.patina/cache/models."""
