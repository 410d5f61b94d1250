"""Cuts texts into pieces by a tokenizer.json as `e5.tokenizer` writes it, to the same ids as the package tokenizers.

That package takes 280 MB for these 250,000 pieces, and a second to open them; a dictionary takes a quarter of the one
and a third of the other. Words recur, so most are cut by a look-up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tokenizers import Tokenizer

from patina.types import Tokens
from patina_onnx.tokenizer import check_known

_SPACE = "▁"
_WORD = re.compile(f"{_SPACE}?[^{_SPACE}]{{1,4096}}|{_SPACE}")  # no word is longer than that: it bounds the work
_REMEMBERED_WORDS = 16_384
_UNKNOWN_PENALTY = 10.0  # so much worse than the worst piece is a character that no piece has


class Unigram:
    """Safe to use from several threads. Cuts at `max_tokens`; the payload of its `Tokens` is int64 [count], the ids.

    The names of special tokens are text here like any other.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        document = msgspec.json.decode(path.read_bytes())
        self._vocabulary = _Vocabulary(document)
        self._cut = lru_cache(_REMEMBERED_WORDS)(self._vocabulary.cut)
        frame = _without_pieces(document)
        self._normalise = frame.normalizer.normalize_str
        self._begin, self._end = frame.encode("").ids
        self._room = max_tokens - 2

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        return [self._tokens(text) for text in texts]

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """What ids stand for. Raises `InvalidRequest` for one that there is none of."""
        pieces = self._vocabulary.pieces()
        check_known(ids, len(pieces))
        joined = ("".join(pieces[number] for number in numbers) for numbers in ids)
        return [text.replace(_SPACE, " ").removeprefix(" ") for text in joined]

    def _tokens(self, text: str) -> Tokens:
        words = (word[0] for word in _WORD.finditer(_marked(self._normalise(text))))
        ids = list(islice(chain.from_iterable(map(self._cut, words)), self._room + 1))
        payload = np.array([self._begin, *ids[: self._room], self._end], np.int64)
        return Tokens(count=len(payload), truncated=len(ids) > self._room, payload=payload)


class _Vocabulary:
    """The pieces, without the special ones, and what each adds to the score of a cut."""

    def __init__(self, document: dict[str, Any]) -> None:
        pieces = document["model"]["vocab"]
        special = {token["content"] for token in document["added_tokens"]}
        self._ids = {piece: number for number, (piece, _) in enumerate(pieces) if piece not in special}
        self._scores = [score for _, score in pieces]
        self._longest = max(map(len, self._ids))
        self._unknown = document["model"]["unk_id"]
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY

    def pieces(self) -> list[str]:
        """By id; special ones are empty. Made anew for each call: hardly anybody asks, and they take 2 MB."""
        pieces = [""] * len(self._scores)
        for piece, number in self._ids.items():
            pieces[number] = piece
        return pieces

    def cut(self, word: str) -> tuple[int, ...]:
        """The ids of the pieces that make up `word` and whose scores add up to most."""
        best = [0.0] + [-inf] * len(word)  # of all cuts of the word up to there
        last = [0] * (len(word) + 1)  # where the last piece of that cut starts
        for start in range(len(word)):
            for end in range(start + 1, min(start + self._longest, len(word)) + 1):
                number = self._ids.get(word[start:end])
                if number is None and end > start + 1:
                    continue
                score = best[start] + (self._unknown_score if number is None else self._scores[number])
                if score > best[end]:
                    best[end], last[end] = score, start
        return self._read(word, last)

    def _read(self, word: str, last: list[int]) -> tuple[int, ...]:
        """A cut's ids, found from its end; neighbouring unknown characters are one."""
        ids: list[int] = []
        end = len(word)
        while end:
            number = self._ids.get(word[last[end] : end], self._unknown)
            if number != self._unknown or ids[-1:] != [number]:
                ids.append(number)
            end = last[end]
        return tuple(reversed(ids))


def _marked(text: str) -> str:
    """Each space as the mark that begins a word; the first word has one in any case."""
    marked = text.replace(" ", _SPACE)
    return marked if not marked or marked.startswith(_SPACE) else _SPACE + marked


def _without_pieces(document: dict[str, Any]) -> Tokenizer:
    """All else that a tokenizer.json describes; it opens at once."""
    model = document["model"]
    few = document | {"model": model | {"vocab": model["vocab"][: model["unk_id"] + 1]}}
    return Tokenizer.from_str(msgspec.json.encode(few).decode())
