"""Making, changing and dropping collections, as a step of the writer's transaction."""

from __future__ import annotations

import apsw

from patina.errors import NotFound
from patina.store import log
from patina.store.records import Collection
from patina.types import Seq

_KEYS = """
    SELECT collections.key, models.key
    FROM collections LEFT JOIN models ON models.identity = collections.identity
    WHERE collections.name = ? AND collections.alive
"""
_SAVE = """
    INSERT INTO collections (name, root, embedder, index_name, identity, model, dimension, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, unixepoch('subsec'))
    ON CONFLICT (name) DO UPDATE SET
        root = excluded.root, embedder = excluded.embedder, index_name = excluded.index_name,
        identity = excluded.identity, model = excluded.model, dimension = excluded.dimension,
        created_at = iif(alive, created_at, excluded.created_at), indexed_at = iif(alive, indexed_at, NULL), alive = 1
"""
_RECKON_EMBEDDED = """
    UPDATE chunks SET embedded = NOT embedded
    WHERE document IN (SELECT key FROM documents WHERE collection = ?1)
      AND embedded <> EXISTS (SELECT 1 FROM vectors WHERE model = ?2 AND vectors.digest = chunks.digest)
"""
_LOOSEN_ALL = "INSERT OR IGNORE INTO loose (digest) SELECT digest FROM chunks WHERE collection = ? AND embedded"
_UNSAY_ALL = "DELETE FROM log WHERE collection = ? AND op <> 'delete'"
_NOTE_ALL = """
    UPDATE chunks SET told = log.seq, vector_told = NULL
    FROM log WHERE log.seq > ? AND chunks.id = log.id AND chunks.collection = log.collection
"""
_LOG_ALL = """
    INSERT INTO log (collection, op, id)
    SELECT chunks.collection, ?2, chunks.id
    FROM documents JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = ?1
    ORDER BY chunks.key
"""


def keys(connection: apsw.Connection, name: str) -> tuple[int, int | None]:
    """The keys of the collection and of the model whose vectors it takes, if there are any. Raises `NotFound`."""
    found = connection.execute(_KEYS, (name,)).fetchone()
    if found is None:
        raise NotFound(f"No collection is named {name!r}.", hint="It may just have been dropped; index it again.")
    collection, model = found
    return collection, model


def save(connection: apsw.Connection, collection: Collection) -> Seq:
    """Make the collection, or change one. With another model every chunk is told anew, with or without its vector."""
    before = connection.execute("SELECT identity FROM collections WHERE name = ?", (collection.name,)).get
    row = (
        collection.name,
        collection.root,
        collection.embedder,
        collection.index,
        collection.identity,
        collection.model,
        collection.dimension,
    )
    connection.execute(_SAVE, row)
    key, model = keys(connection, collection.name)
    if before not in {None, collection.identity}:
        connection.execute(_LOOSEN_ALL, (key,))
        connection.execute(_RECKON_EMBEDDED, (key, model))
        connection.execute("DELETE FROM failures WHERE collection = ?", (key,))
        before_all = log.next_seq(connection) - 1
        connection.execute(_UNSAY_ALL, (key,))
        connection.execute(_LOG_ALL, (key, "put"))
        connection.execute(_NOTE_ALL, (before_all,))
    return log.head(connection, key)


def drop(connection: apsw.Connection, name: str) -> Seq:
    """Remove the collection with all that is in it, but not what the log says of it. Raises `NotFound`."""
    key, _ = keys(connection, name)
    connection.execute(_UNSAY_ALL, (key,))
    connection.execute(_LOG_ALL, (key, "delete"))
    connection.execute("DELETE FROM documents WHERE collection = ?", (key,))
    connection.execute("DELETE FROM cursors WHERE collection = ?", (key,))
    connection.execute("DELETE FROM failures WHERE collection = ?", (key,))
    connection.execute("UPDATE collections SET alive = 0 WHERE key = ?", (key,))
    return log.head(connection, key)
