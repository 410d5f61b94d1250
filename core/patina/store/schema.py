"""The layout of the file, its format number, and how an older one becomes a newer one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import apsw

from patina.errors import Corrupt
from patina.store import copies

APPLICATION_ID = 0x5061746E
""""Patn": what `file` and SQLite know the store by."""
FORMAT = 2

# Chunks and their texts are kept apart: passages move whenever lines above them do, and sets of ids are read often;
# neither should touch the text. `embedded` is 1 exactly when `vectors` has the chunk's digest under the collection's
# identity, and the counters of a collection follow by trigger, so that both are right whatever statement changes them.
# A dropped collection keeps its row and its log: a follower that comes back later learns what is gone.
#
# The log says each thing once: that a chunk is there (at its `told`), that its vector became known later (at its
# `vector_told`), that a chunk is gone. Up to `swept` the last is forgotten. Entries with the same `unit` belong
# together, and a follower takes all of them or none; one without stands by itself.
_CONTENT = """
CREATE TABLE collections (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    embedder TEXT NOT NULL,
    index_name TEXT NOT NULL,
    identity TEXT NOT NULL,
    model TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    created_at REAL NOT NULL,
    indexed_at REAL,
    alive INTEGER NOT NULL DEFAULT 1,
    documents INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    embedded INTEGER NOT NULL DEFAULT 0,
    swept INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE documents (
    key INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections,
    path TEXT NOT NULL,
    location TEXT NOT NULL,
    digest TEXT NOT NULL,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    chunker TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (collection, path)
) STRICT;

CREATE TABLE chunks (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES collections,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    start_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    heading TEXT NOT NULL,
    embedded INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,
    vector_told INTEGER
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document, position, id);
CREATE INDEX waiting_by_collection ON chunks (collection) WHERE embedded = 0;
CREATE INDEX waiting_by_digest ON chunks (digest) WHERE embedded = 0;

CREATE TABLE texts (
    key INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE models (
    key INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL
) STRICT;

CREATE TABLE vectors (
    key INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES models,
    digest TEXT NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (model, digest)
) STRICT;

CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections,
    op TEXT NOT NULL,
    id TEXT NOT NULL,
    unit INTEGER
) STRICT;
CREATE INDEX log_by_collection ON log (collection);

CREATE TABLE cursors (
    collection INTEGER NOT NULL REFERENCES collections,
    source TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER document_added AFTER INSERT ON documents BEGIN
    UPDATE collections SET documents = documents + 1 WHERE key = new.collection;
END;
CREATE TRIGGER document_removed AFTER DELETE ON documents BEGIN
    UPDATE collections SET documents = documents - 1 WHERE key = old.collection;
END;
CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN
    UPDATE collections SET chunks = chunks + 1, embedded = embedded + new.embedded WHERE key = new.collection;
END;
CREATE TRIGGER chunk_removed AFTER DELETE ON chunks BEGIN
    UPDATE collections SET chunks = chunks - 1, embedded = embedded - old.embedded WHERE key = old.collection;
END;
CREATE TRIGGER chunk_embedded AFTER UPDATE OF embedded ON chunks BEGIN
    UPDATE collections SET embedded = embedded + new.embedded - old.embedded WHERE key = new.collection;
END;
"""

# What the second format added. A later one that changes it must not change how this one came to be.
#
# `attributes` is what documents say of themselves, turned round: which documents have a value. It follows by trigger.
# `loose` names the texts whose vectors may have lost their last chunk, in that order.
_SECOND = """
CREATE TABLE jobs (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    collection TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    stage TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER,
    cursor TEXT,
    failed INTEGER NOT NULL,
    errors TEXT NOT NULL,
    result TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at REAL,
    started_at REAL,
    ended_at REAL
) STRICT;

CREATE TABLE failures (
    collection INTEGER NOT NULL REFERENCES collections,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failed_at REAL NOT NULL,
    due INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (collection, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE attributes (
    collection INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (collection, name, value, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE simhashes (
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    collection INTEGER NOT NULL,
    band0 INTEGER NOT NULL,
    band1 INTEGER NOT NULL,
    band2 INTEGER NOT NULL,
    band3 INTEGER NOT NULL
) STRICT;
CREATE INDEX simhashes_by_band0 ON simhashes (collection, band0);
CREATE INDEX simhashes_by_band1 ON simhashes (collection, band1);
CREATE INDEX simhashes_by_band2 ON simhashes (collection, band2);
CREATE INDEX simhashes_by_band3 ON simhashes (collection, band3);

CREATE INDEX documents_by_time ON documents (collection, modified_ns) WHERE modified_ns > 0;
CREATE INDEX documents_by_language ON documents (collection, language) WHERE language > '';

CREATE TABLE loose (
    key INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER vector_loosened AFTER DELETE ON chunks WHEN old.embedded BEGIN
    INSERT OR IGNORE INTO loose (digest) VALUES (old.digest);
END;

CREATE INDEX log_of_deletes ON log (collection) WHERE op = 'delete';

CREATE TRIGGER attributes_added AFTER INSERT ON documents WHEN new.metadata <> '{}' BEGIN
    INSERT INTO attributes SELECT new.collection, key, value, new.key FROM json_each(new.metadata);
END;
CREATE TRIGGER attributes_removed AFTER DELETE ON documents WHEN old.metadata <> '{}' BEGIN
    DELETE FROM attributes WHERE (collection, name, value, document) IN (
        SELECT old.collection, key, value, old.key FROM json_each(old.metadata)
    );
END;
CREATE TRIGGER attributes_changed AFTER UPDATE OF metadata ON documents WHEN old.metadata <> new.metadata BEGIN
    DELETE FROM attributes WHERE (collection, name, value, document) IN (
        SELECT old.collection, key, value, old.key FROM json_each(old.metadata)
    );
    INSERT INTO attributes SELECT new.collection, key, value, new.key FROM json_each(new.metadata);
END;
"""
_TO_SECOND = """
ALTER TABLE collections ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN vector_told INTEGER;
ALTER TABLE log ADD COLUMN unit INTEGER;
"""
_FILL_SECOND = """
INSERT OR IGNORE INTO loose (digest) SELECT digest FROM vectors WHERE (model, digest) NOT IN (
    SELECT models.key, chunks.digest
    FROM chunks
    JOIN collections ON collections.key = chunks.collection
    JOIN models ON models.identity = collections.identity
);
UPDATE chunks SET told = said.seq
FROM (SELECT collection, id, max(seq) AS seq FROM log WHERE op = 'put' GROUP BY collection, id) AS said
WHERE said.id = chunks.id AND said.collection = chunks.collection;
UPDATE chunks SET vector_told = said.seq
FROM (SELECT collection, id, max(seq) AS seq FROM log WHERE op = 'vector' GROUP BY collection, id) AS said
WHERE said.id = chunks.id AND said.collection = chunks.collection AND said.seq > chunks.told;
DELETE FROM log WHERE op <> 'delete' AND seq NOT IN (
    SELECT told FROM chunks UNION ALL SELECT vector_told FROM chunks WHERE vector_told IS NOT NULL
);
INSERT INTO attributes SELECT collection, each.key, each.value, documents.key
FROM documents, json_each(documents.metadata) AS each;
"""

LAYOUT = _CONTENT + _SECOND

MIGRATIONS: Mapping[int, str] = MappingProxyType(
    {
        1: _TO_SECOND + _SECOND + _FILL_SECOND,
    }
)
"""By format, the SQL that makes the next one of it. The number itself is raised by `prepare`."""


def prepare(connection: apsw.Connection, path: Path | None) -> None:
    """Lay out an empty file, bring an older one up to date after copying it, refuse any other.

    Each step is one transaction: a crash leaves the old format or the new one. Raises `Corrupt`, and `OSError` if the
    older one cannot be copied.
    """
    if not connection.pragma("schema_version"):
        _apply(connection, LAYOUT, FORMAT)
        return
    found = readable(connection, path)
    if found < FORMAT and path is not None:
        copies.copy(connection, path.with_name(f"{path.name}.format-{found}"))
    for step in range(found, FORMAT):
        _apply(connection, MIGRATIONS[step], step + 1)


def readable(connection: apsw.Connection, path: Path | None) -> int:
    """The format of a store that this version reads, as it is or after bringing it up to date. Raises `Corrupt`."""
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Corrupt(f"{path} is not a store of Patina.", hint="Move it away, or choose another home.")
    found = int(connection.pragma("user_version"))
    if found > FORMAT:
        raise Corrupt(
            f"The store {path} has format {found}, which is newer than this version's {FORMAT}.",
            hint="Install the newer Patina again, or move the store away and index anew.",
        )
    if any(step not in MIGRATIONS for step in range(found, FORMAT)):
        raise Corrupt(
            f"The store {path} has format {found}, which this version no longer reads.",
            hint="Move it away and index anew.",
        )
    return found


def _apply(connection: apsw.Connection, statements: str, number: int) -> None:
    with connection:
        connection.execute(statements)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", number)
