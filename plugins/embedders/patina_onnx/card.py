"""What is known of a model without opening it: the file patina-model.json, or what others leave beside a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from patina.errors import ConfigError
from patina_onnx.settings import MaxTokens, Normalization, OnnxSettings, Pooling

CARD = "patina-model.json"
Digest: TypeAlias = Annotated[str, Meta(pattern="^([0-9a-fA-F]{64})?$")]
_E5 = re.compile(r"(^|[-_])e5([-_](?!.*instruct)|$)", re.IGNORECASE)


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contents of patina-model.json; every field may be left out."""

    name: str = ""
    pooling: Pooling = "mean"
    """How the vectors of a text's tokens become one; ignored where the model's output is one already."""
    normalization: Normalization = "l2"
    prefix_query: str = ""
    prefix_passage: str = ""
    dimension: Annotated[int, Meta(ge=0)] = 0
    """0: as the model's output is declared."""
    max_tokens: MaxTokens = 512
    artefact: str = ""
    """A remark: "int8", "fp32" …"""
    sha256: Digest = ""
    """Of model.onnx; checked before the model is opened."""
    tokenizer_sha256: Digest = ""
    """Of tokenizer.json; checked before it is read."""


def read(folder: Path, name: str, width: int) -> Card:
    """The card in `folder`, or one made from the files of sentence-transformers there. Raises `ConfigError`.

    `name` and `width`, the size of the model's output or 0, stand in where none is given.
    """
    path = folder / CARD
    fields = _json(path) if path.exists() else _conventions(folder, name)
    known = {"name": name, "dimension": width} if width else {"name": name}
    try:
        return msgspec.convert(known | fields, type=Card)
    except msgspec.ValidationError as error:
        wrong = path if path.exists() else folder
        raise ConfigError(f"{wrong} says of its model: {error}.", hint=f"Correct it, or write {CARD}.") from error


def overridden(card: Card, settings: OnnxSettings) -> Card:
    """The card as the settings would have it."""
    chosen = {field: getattr(settings, field) for field in _SETTABLE if getattr(settings, field) is not None}
    if chosen.get("max_tokens", 0) > card.max_tokens:
        raise ConfigError(
            f"max_tokens is {chosen['max_tokens']}, but {card.name} takes no more than {card.max_tokens}.",
            hint="Lower it, or leave it out.",
            param="embedders.onnx.max_tokens",
        )
    return msgspec.structs.replace(card, **chosen)


_SETTABLE = ("prefix_query", "prefix_passage", "pooling", "normalization", "max_tokens")


def _conventions(folder: Path, name: str) -> dict[str, Any]:
    """The fields of a card that the files of sentence-transformers give."""
    pooling = _json(folder / "1_Pooling" / "config.json")
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    e5 = bool(_E5.search(name))  # its cards on the hub tell people of the prefixes, but no file does
    return {
        "pooling": next((choice for key, choice in _POOLINGS.items() if pooling.get(key)), "mean"),
        "prefix_query": prompts.get("query", "query: " if e5 else ""),
        "prefix_passage": prompts.get("passage", prompts.get("document", "passage: " if e5 else "")),
        "max_tokens": _json(folder / "sentence_bert_config.json").get("max_seq_length") or 512,
    }


_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}


def _json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} cannot be read: {error}.", hint="Correct it, or delete it.") from error
