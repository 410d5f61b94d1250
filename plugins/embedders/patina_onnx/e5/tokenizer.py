"""Writes the Unigram tokenizer of XLM-RoBERTa as a tokenizer.json."""

from __future__ import annotations

import json
from typing import Any

from patina_onnx.e5 import charsmap
from patina_onnx.e5.weights import Pieces

_SPACE = "▁"


def document(pieces: Pieces, characters: dict[str, str], max_tokens: int) -> str:
    """The text of a tokenizer.json: normalise, mark the spaces, cut into pieces, put <s> and </s> around them."""
    bos, eos = pieces.texts[pieces.bos], pieces.texts[pieces.eos]
    mask = len(pieces.texts) - 1
    special = sorted({pieces.bos, pieces.eos, pieces.pad, pieces.unknown, mask})
    return json.dumps(
        {
            "version": "1.0",
            "truncation": {"direction": "Right", "max_length": max_tokens, "strategy": "LongestFirst", "stride": 0},
            "padding": None,
            "added_tokens": [_added(number, pieces.texts[number]) for number in special],
            "normalizer": _normalizer(characters),
            "pre_tokenizer": _metaspace(),
            "post_processor": _template(bos, pieces.bos, eos, pieces.eos),
            "decoder": _metaspace(),
            "model": {
                "type": "Unigram",
                "unk_id": pieces.unknown,
                "vocab": list(zip(pieces.texts, pieces.scores, strict=True)),
                "byte_fallback": False,
            },
        },
        ensure_ascii=False,
    )


def _added(number: int, text: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": text == "<mask>", "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": text} | flags


def _normalizer(characters: dict[str, str]) -> dict[str, Any]:
    """As nmt_nfkc: the table knows single characters only, so letters and their accents are joined before."""
    steps = [
        {"type": "NFC"},
        {"type": "Precompiled", "precompiled_charsmap": charsmap.packed(characters)},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    return {"type": "Sequence", "normalizers": steps}


def _metaspace() -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True}


def _template(bos: str, bos_id: int, eos: str, eos_id: int) -> dict[str, Any]:
    before, after = ({"SpecialToken": {"id": name, "type_id": 0}} for name in (bos, eos))
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [before, text, after],
        "pair": [before, text, after, after, {"Sequence": {"id": "B", "type_id": 0}}, after],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ((bos, bos_id), (eos, eos_id))
        },
    }
