"""A number of 64 bits that hardly changes when a text hardly changes.

Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002: every shingle votes on every bit, and
the majority decides. Texts that share most of their shingles have numbers that differ in few bits.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import numpy as np

BITS = 64
SHINGLE_WORDS = 3
_WORD = re.compile(r"\w+")


def simhash(text: str) -> int | None:
    """Of a text's words, whatever stands between them and in whatever case; None if there are none."""
    words = _WORD.findall(text.lower())
    if not words:
        return None
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    shingles = [" ".join(words[start : start + SHINGLE_WORDS]) for start in range(count)]
    hashes = b"".join(blake2b(one.encode(errors="replace"), digest_size=BITS // 8).digest() for one in shingles)
    votes = np.unpackbits(np.frombuffer(hashes, np.uint8).reshape(count, BITS // 8), axis=1)
    majority = 2 * votes.sum(axis=0, dtype=np.int64) > count
    return int.from_bytes(np.packbits(majority).tobytes())


def distance(one: int, other: int) -> int:
    """In how many bits two of them differ."""
    return (one ^ other).bit_count()
