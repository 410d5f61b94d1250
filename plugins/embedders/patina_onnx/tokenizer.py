"""Texts to token ids, by a tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding
from tokenizers import Tokenizer as _Tokenizer

from patina.errors import Corrupt, InvalidRequest
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

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """What ids stand for. Raises `InvalidRequest` for one that there is none of."""
        check_known(ids, self._inner.get_vocab_size())
        return self._inner.decode_batch([list(numbers) for numbers in ids], skip_special_tokens=True)


def check_known(ids: Sequence[Sequence[int]], size: int) -> None:
    """Raises `InvalidRequest` for an id that a model of `size` tokens has not."""
    for position, numbers in enumerate(ids):
        for number in numbers:
            if number >= size:
                raise InvalidRequest(
                    f"{number} is no token of this model, which has {size}.",
                    hint="Send the text itself.",
                    param=f"ids[{position}]",
                )


def _tokens(encoding: Encoding) -> Tokens:
    ids = np.array(encoding.ids, np.int64)
    return Tokens(count=len(ids), truncated=bool(encoding.overflowing), payload=ids)
