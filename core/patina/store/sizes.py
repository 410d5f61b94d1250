"""How much there is of everything, counted row by row: it takes longer than the counters that a collection keeps."""

from __future__ import annotations

import apsw

from patina.store import reader
from patina.store.records import Sizes

_TEXTS = """
    SELECT ifnull(sum(octet_length(texts.text)), 0)
    FROM documents JOIN chunks ON chunks.document = documents.key JOIN texts ON texts.key = chunks.key
    WHERE documents.collection = ?
"""
_VECTORS = """
    SELECT ifnull(sum(octet_length(vector)), 0) FROM vectors
    WHERE model = ? AND digest IN (SELECT digest FROM chunks WHERE collection = ? AND embedded)
"""
_LOG = "SELECT count(*), count(*) FILTER (WHERE op = 'delete') FROM log WHERE collection = ?"


def sizes(connection: apsw.Connection, name: str) -> Sizes:
    """Of a collection; equal texts share one vector, which counts once."""
    key, model = reader.key(connection, name), reader.model(connection, name)
    ((entries, deletes),) = connection.execute(_LOG, (key,))
    found = reader.collection(connection, name)
    return Sizes(
        text_bytes=int(connection.execute(_TEXTS, (key,)).get),
        vector_bytes=int(connection.execute(_VECTORS, (model, key)).get),
        log_entries=int(entries),
        log_deletes=int(deletes),
        last_commit=found.indexed_at if found else None,
    )
