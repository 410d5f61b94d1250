"""Vectors of passages together with those of the documents that they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

_OWN = """
    SELECT chunks.id, chunks.document, vectors.vector
    FROM json_each(?) AS wanted
    CROSS JOIN chunks ON chunks.id = wanted.value
    JOIN collections ON collections.key = chunks.collection
    JOIN models ON models.identity = collections.identity
    JOIN vectors ON vectors.model = models.key AND vectors.digest = chunks.digest
"""
# A chunk is taken when it is the first of its share: of ten, when 3 are wanted, the positions 0, 4 and 7.
_SAMPLE = """
    WITH wanted AS (
        SELECT value AS document, (SELECT max(position) + 1 FROM chunks WHERE document = value) AS size
        FROM json_each(?)
    )
    SELECT chunks.document, vectors.vector
    FROM wanted
    CROSS JOIN chunks INDEXED BY chunks_by_document ON chunks.document = wanted.document
        AND (position = 0 OR size <= ?2 OR position * ?2 / size > (position - 1) * ?2 / size)
    JOIN collections ON collections.key = chunks.collection
    JOIN models ON models.identity = collections.identity
    JOIN vectors ON vectors.model = models.key AND vectors.digest = chunks.digest
"""


class Surroundings(NamedTuple):
    """Little-endian float32 throughout, of each chunk's collection's model, where known."""

    vectors: dict[str, bytes]
    """By chunk id."""
    document: dict[str, int]
    """A number for the document of each of those chunks."""
    sample: dict[int, list[bytes]]
    """By that number, vectors of chunks spread evenly over the document."""


def surroundings(connection: apsw.Connection, ids: Sequence[str], most: int) -> Surroundings:
    """Of the chunks that are alive and embedded; at most `most` vectors of each document."""
    found: list[Any] = connection.execute(_OWN, (msgspec.json.encode(ids).decode(),)).fetchall()
    document = {chunk: number for chunk, number, _ in found}
    sample: dict[int, list[bytes]] = {}
    wanted = msgspec.json.encode(sorted(set(document.values()))).decode()
    for number, vector in connection.execute(_SAMPLE, (wanted, most)):
        sample.setdefault(number, []).append(vector)
    return Surroundings({chunk: vector for chunk, _, vector in found}, document, sample)
