"""Keeping vectors by model and content, as a step of the writer's transaction.

A vector outlives the chunks it was made for: text that moves, or comes back, costs nothing. `sweep` ends that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw
import msgspec

from patina.errors import Mismatch
from patina.store import log
from patina.types import Seq

_FLOAT_BYTES = 4
_WAITING = """
    SELECT chunks.key, chunks.collection, chunks.id
    FROM json_each(?) AS known
    CROSS JOIN chunks INDEXED BY waiting_by_digest ON chunks.digest = known.value AND chunks.embedded = 0
    JOIN collections ON collections.key = chunks.collection AND collections.identity = ?
    ORDER BY chunks.key
"""
_FORGET_FAILURES = """
    DELETE FROM failures WHERE (collection, digest) IN (
        SELECT collections.key, known.value FROM collections, json_each(?) AS known WHERE collections.identity = ?
    )
"""
# There is no index of chunks by their text: one look through all of them is for a whole page of loose texts.
_SWEEP = """
    DELETE FROM vectors WHERE digest IN (SELECT value FROM json_each(?1)) AND (model, digest) NOT IN (
        SELECT models.key, chunks.digest
        FROM chunks
        JOIN collections ON collections.key = chunks.collection
        JOIN models ON models.identity = collections.identity
        WHERE chunks.embedded AND chunks.digest IN (SELECT value FROM json_each(?1))
    )
"""
_SWEEP_MODELS = "DELETE FROM models WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.model = models.key)"

SWEPT_AT_ONCE = 10_000
"""Texts that a sweep looks at."""


def put(connection: apsw.Connection, identity: str, vectors: Mapping[str, bytes]) -> Seq:
    """Keep vectors by digest and tell every live chunk that waited for one; returns the log's last position.

    A vector that is known already stays. Raises `Mismatch` for a dimension that is not the model's.
    """
    model = _model(connection, identity, {len(vector) for vector in vectors.values()})
    connection.executemany(
        "INSERT OR IGNORE INTO vectors (model, digest, vector) VALUES (?, ?, ?)",
        [(model, digest, vector) for digest, vector in vectors.items()],
    )
    known = (msgspec.json.encode(list(vectors)).decode(), identity)
    waiting: list[tuple[Any, ...]] = connection.execute(_WAITING, known).fetchall()
    told = log.append(connection, "vector", [(collection, id) for _, collection, id in waiting])
    connection.executemany(
        "UPDATE chunks SET embedded = 1, vector_told = ? WHERE key = ?",
        [(seq, row[0]) for seq, row in zip(told, waiting, strict=True)],
    )
    connection.execute(_FORGET_FAILURES, known)
    return log.last(connection)


def sweep(connection: apsw.Connection, keep: int) -> int:
    """Forget the vectors of loose texts that no live chunk uses, all but the last `keep`; returns how many it saw."""
    most = int(connection.execute("SELECT count(*) FROM loose").get) - keep
    oldest = "SELECT digest FROM loose ORDER BY key LIMIT ?"
    loose = connection.execute(oldest, (max(0, min(most, SWEPT_AT_ONCE)),)).fetchall()
    if loose:
        connection.execute(_SWEEP, (msgspec.json.encode([digest for (digest,) in loose]).decode(),))
        connection.execute(_SWEEP_MODELS)
        connection.executemany("DELETE FROM loose WHERE digest = ?", loose)
    return len(loose)


def _model(connection: apsw.Connection, identity: str, sizes: set[int]) -> int:
    """The key of the model's row, made with the first vectors."""
    found = connection.execute("SELECT key, dimension FROM models WHERE identity = ?", (identity,)).fetchone()
    if found is None:
        dimension = min(sizes) // _FLOAT_BYTES
        connection.execute("INSERT INTO models (identity, dimension) VALUES (?, ?)", (identity, dimension))
        key = connection.last_insert_rowid()
    else:
        key, dimension = found
    if sizes != {dimension * _FLOAT_BYTES}:
        raise Mismatch(
            f"The vectors of model {identity[:12]} have {dimension} numbers each, and these have another length.",
            hint="One model gives vectors of one length: look at the embedder's plugin.",
        )
    return int(key)
