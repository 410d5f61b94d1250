"""Fingerprints of documents (`patina.ingest.simhash`), looked up by what they are near to.

A fingerprint of 64 bits is kept as four bands of 16. Two that differ in at most three bits have a band in common.
"""

from __future__ import annotations

import apsw

MAX_BITS = 3
_BANDS = 4
_BAND_BITS = 16
_SIMILAR = """
    SELECT documents.path, documents.modified_ns, band0, band1, band2, band3
    FROM simhashes JOIN documents ON documents.key = simhashes.document
    WHERE (simhashes.collection = ?1 AND band0 = ?2) OR (simhashes.collection = ?1 AND band1 = ?3)
        OR (simhashes.collection = ?1 AND band2 = ?4) OR (simhashes.collection = ?1 AND band3 = ?5)
"""


def bands(simhash: int) -> tuple[int, ...]:
    """From the lowest."""
    return tuple(simhash >> (_BAND_BITS * band) & ((1 << _BAND_BITS) - 1) for band in range(_BANDS))


def keep(connection: apsw.Connection, collection: int, document: int, simhash: int | None) -> None:
    """Remember a document's fingerprint, or forget what was remembered."""
    if simhash is None:
        connection.execute("DELETE FROM simhashes WHERE document = ?", (document,))
    else:
        row = (document, collection, *bands(simhash))
        connection.execute("INSERT OR REPLACE INTO simhashes VALUES (?, ?, ?, ?, ?, ?)", row)


def find(connection: apsw.Connection, collection: int, simhash: int, bits: int) -> dict[str, int]:
    """When each document was modified, by path, of those that differ in at most so many bits, `MAX_BITS` or fewer."""
    wanted = bands(simhash)
    return {
        path: modified_ns
        for path, modified_ns, *held in connection.execute(_SIMILAR, (collection, *wanted))
        if sum((one ^ other).bit_count() for one, other in zip(wanted, held, strict=True)) <= bits
    }
