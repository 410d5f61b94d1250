"""How the name of a model becomes files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from patina.errors import ModelNotFound
from patina.types import Tokens
from patina_onnx import hub
from patina_onnx.card import Card
from patina_onnx.directory import Directory
from patina_onnx.e5 import recipe
from patina_onnx.settings import MODEL, OnnxSettings

_DEFAULT_CACHE = "~/.patina/cache/models"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class Tokenize(Protocol):
    """Safe to call from several threads; the payload of each `Tokens` is int64 [count], the ids."""

    def __call__(self, texts: Sequence[str]) -> list[Tokens]: ...

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """What ids stand for. Raises `InvalidRequest` for one that there is none of."""
        ...


class Source(Protocol):
    """A model that can be had. Its files are sound when they are used, or `Corrupt` is raised."""

    @property
    def card(self) -> Card: ...

    @property
    def fingerprint(self) -> str:
        """sha256 over everything that the vectors depend on, the card excepted."""
        ...

    @property
    def created(self) -> int:
        """Unix time of the model's file; 0 while it is not there."""
        ...

    def tokenizer(self, max_tokens: int) -> Tokenize: ...

    def model(self) -> Path: ...


def find(settings: OnnxSettings) -> Source:
    """Raises `ModelNotFound`, `Unavailable`, or `ConfigError` for a directory that holds no model."""
    name = settings.model
    if name == recipe.NAME:
        return recipe.E5(Path(settings.model_cache or _DEFAULT_CACHE).expanduser(), settings.artefact)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Directory(folder)
    if _HUB_ID.fullmatch(name):
        return hub.directory(name)
    raise ModelNotFound(
        f"There is no model or directory {name}.",
        hint=f'Set [embedders.onnx] model to a directory, to an id on the hub ("org/name") or to "{recipe.NAME}".',
        param=MODEL,
    )
