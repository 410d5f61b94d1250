"""OpenAI's token ids, back to the text that they were made from."""

from __future__ import annotations

import lzma
from array import array
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

PIECES = 100_256
SPECIAL = {
    100_257: b"<|endoftext|>",
    100_258: b"<|fim_prefix|>",
    100_259: b"<|fim_middle|>",
    100_260: b"<|fim_suffix|>",
    100_276: b"<|endofprompt|>",
}


class Vocabulary:
    """The pieces of cl100k_base by id: all bytes in one string, and where each piece begins."""

    def __init__(self, lengths: bytes, pieces: bytes) -> None:
        self._pieces = pieces
        self._starts = array("I", accumulate(lengths, initial=0))

    def text(self, ids: Sequence[int]) -> str:
        """What the ids stand for; half a character, where a client has cut, becomes U+FFFD.

        Raises `KeyError` with the first id that there is none of.
        """
        return b"".join(map(self._piece, ids)).decode(errors="replace")

    def _piece(self, number: int) -> bytes:
        if 0 <= number < PIECES:
            return self._pieces[self._starts[number] : self._starts[number + 1]]
        return SPECIAL[number]


@cache
def vocabulary() -> Vocabulary:
    """Read once, by the first request that needs it: about 30 ms, and 1 MB from then on."""
    data = lzma.decompress((Path(__file__).parent / "pieces.xz").read_bytes())
    return Vocabulary(data[:PIECES], data[PIECES:])
