"""Packs a character table in the form that the tokenizers' normaliser `Precompiled` reads.

The form is a u32 with the bytes of a trie, the trie, and the replacements as UTF-8, each ended by a zero byte. The
trie is a double array of u32 units. The unit at `place` names a `base` by its offset, `place ^ base`; from there byte
`b` leads to the unit at `base ^ b`, which must say `b` as its label. Where a key ends, the unit at the base itself
holds the value: the position of the replacement.
"""

from __future__ import annotations

import base64
import struct
from array import array
from collections.abc import Mapping

_BLOCK = 256  # a base and all bytes that may follow it share a block, so that no look-up leaves the array
_ENDS_KEY = 1 << 8
_IS_VALUE = 1 << 31


def packed(characters: Mapping[str, str]) -> str:
    """The table of single characters and what replaces each, in base64 as a tokenizer.json holds it."""
    texts = bytearray()
    values: dict[bytes, int] = {}
    for character, replacement in characters.items():
        values[character.encode()] = len(texts)
        texts += replacement.encode() + b"\0"
    trie = _double_array(values).tobytes()
    return base64.b64encode(struct.pack("<I", len(trie)) + trie + texts).decode()


def _double_array(values: Mapping[bytes, int]) -> array[int]:
    """A block for each beginning of a key, then the values, rounded up to whole blocks.

    No key begins another one, for they are single characters in UTF-8: a unit either leads on or ends a key.
    """
    beginnings = sorted({key[:length] for key in values for length in range(len(key))})
    bases = {beginning: _BLOCK * number for number, beginning in enumerate(beginnings)}
    bases |= {key: _BLOCK * len(bases) + number for number, key in enumerate(values)}
    blocks = max(bases.values(), default=0) // _BLOCK + 1
    units = array("I", bytes(4 * _BLOCK * blocks))
    for key, base in bases.items():
        place = bases[key[:-1]] ^ key[-1] if key else 0
        units[place] = (place ^ base) << 10 | (_ENDS_KEY if key in values else 0) | (key[-1] if key else 0)
    for key, value in values.items():
        units[bases[key]] = _IS_VALUE | value
    return units
