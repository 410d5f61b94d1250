"""Texts to token ids, by a tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding
from tokenizers import Tokenizer as _Tokenizer

from patina.errors import Corrupt
from patina.types import Tokens


class Tokenizer:
    """Safe to use from several threads, for nothing of it changes after it is made.

    Cuts at `max_tokens`, special tokens included. The payload of its `Tokens` is int64 [count], the ids.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        try:
            self._inner = _Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises no class of its own
            raise Corrupt(f"{path} is not a tokenizer: {error}.", hint="Copy or download it again.") from error
        self._inner.no_padding()
        self._inner.enable_truncation(max_tokens)

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        return [_tokens(encoding) for encoding in self._inner.encode_batch_fast(texts)]


def _tokens(encoding: Encoding) -> Tokens:
    ids = np.array(encoding.ids, np.int64)
    return Tokens(count=len(ids), truncated=bool(encoding.overflowing), payload=ids)
