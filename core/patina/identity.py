"""What makes two contents the same, and how a passage gets its id."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

MAX_REPETITIONS = 1_000

_DIGEST_BYTES = 16


def digest(content: bytes) -> str:
    """blake2b-128 in hex, 32 characters."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def chunk_ids(repo: str, path: str, digests: Sequence[str]) -> list[str]:
    """The ids of a document's passages, in their order.

    An id depends on the collection's name, the document's path, the passage's digest and how many passages with the
    same digest came before it, and on nothing else: two homes give the same ids, and moving a passage within its
    document keeps its id.
    """
    seen: Counter[str] = Counter()
    ids = []
    for one in digests:
        ids.append(_joined(repo, path, one, str(seen[one])))
        seen[one] += 1
    return ids


def fits(id: str, repo: str, path: str, content: str) -> bool:
    """Whether a passage with this digest may have this id: equal ones that came before it may have been removed since.

    At most `MAX_REPETITIONS` are thought of.
    """
    return any(id == _joined(repo, path, content, str(ordinal)) for ordinal in range(MAX_REPETITIONS))


def _joined(*parts: str) -> str:
    """The digest of all parts, each after its own length, so that no two lists of parts look alike."""
    whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        raw = part.encode()
        whole.update(len(raw).to_bytes(4, "big"))
        whole.update(raw)
    return whole.hexdigest()
