"""What is read from the store, as functions over a reader's connection.

A collection that does not exist is empty. Lists of names and ids travel as one JSON value, however long they are.
Columns stand in the order of the fields that they fill.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Sequence
from typing import Any

import apsw
import msgspec

from patina.store import failures
from patina.store.filters import UNDER_PREFIX
from patina.store.records import Collection, Counts, Entry, Waiting
from patina.types import Chunk, Document

_COLLECTIONS = """
    SELECT name, root, embedder, index_name, identity, model, dimension, created_at, indexed_at
    FROM collections WHERE alive
"""
_COUNTS = f"SELECT documents, chunks, embedded, {failures.COUNT} FROM collections WHERE name = ?"  # noqa: S608 - of constants
_DOCUMENTS = """
    SELECT key, path, location, digest, title, language, size, modified_ns, chunker, metadata
    FROM documents WHERE collection = :collection
"""
_CHUNK = """
    SELECT
        chunks.id, collections.name, documents.path, documents.location, chunks.digest, texts.text,
        chunks.start_byte, chunks.end_byte, chunks.start_line, chunks.end_line, chunks.position,
        documents.title, chunks.heading, documents.language, documents.metadata,
        (SELECT id FROM chunks AS other
         WHERE other.document = chunks.document AND other.position = chunks.position - 1),
        (SELECT id FROM chunks AS other
         WHERE other.document = chunks.document AND other.position = chunks.position + 1)
"""
_CHUNKS_BY_ID = f"""
    {_CHUNK}
    FROM json_each(?) AS wanted
    CROSS JOIN chunks ON chunks.id = wanted.value
    JOIN documents ON documents.key = chunks.document
    JOIN collections ON collections.key = chunks.collection
    JOIN texts ON texts.key = chunks.key
"""
_CHUNKS_OF_DOCUMENTS = f"""
    {_CHUNK}
    FROM json_each(?) AS wanted
    CROSS JOIN documents ON documents.key = wanted.value
    CROSS JOIN chunks INDEXED BY chunks_by_document ON chunks.document = documents.key
    JOIN collections ON collections.key = chunks.collection
    JOIN texts ON texts.key = chunks.key
    ORDER BY wanted.key, chunks.position
"""
_MISSING = """
    SELECT chunks.digest, texts.text
    FROM chunks INDEXED BY waiting_by_collection
    JOIN texts ON texts.key = chunks.key
    WHERE chunks.collection = ? AND chunks.embedded = 0 AND chunks.digest NOT IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (
            SELECT 1 FROM failures
            WHERE failures.collection = chunks.collection AND failures.digest = chunks.digest AND NOT due
        )
    ORDER BY chunks.key
"""
_VECTORS = """
    SELECT chunks.id, vectors.vector
    FROM json_each(?) AS wanted
    CROSS JOIN chunks ON chunks.id = wanted.value
    JOIN collections ON collections.key = chunks.collection
    JOIN models ON models.identity = collections.identity
    JOIN vectors ON vectors.model = models.key AND vectors.digest = chunks.digest
"""
_IDS_OF_COLLECTION = """
    SELECT chunks.id FROM documents JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = :collection
"""
_headings = msgspec.json.Decoder(tuple[str, ...])
_metadata = msgspec.json.Decoder(dict[str, str])


def key(connection: apsw.Connection, name: str) -> int:
    """The key of a collection; one that nothing has if there is no such collection."""
    return int(connection.execute("SELECT ifnull(max(key), 0) FROM collections WHERE name = ?", (name,)).get)


def model(connection: apsw.Connection, name: str) -> int | None:
    """The key of the model whose vectors the collection takes, if any are known."""
    query = "SELECT models.key FROM collections JOIN models USING (identity) WHERE collections.name = ?"
    found: int | None = connection.execute(query, (name,)).get
    return found


def swept(connection: apsw.Connection, name: str) -> int:
    """Up to where the collection's deletes are forgotten."""
    return int(connection.execute("SELECT ifnull(max(swept), 0) FROM collections WHERE name = ?", (name,)).get)


def collections(connection: apsw.Connection) -> list[Collection]:
    return [_collection(*row) for row in connection.execute(f"{_COLLECTIONS} ORDER BY name")]


def collection(connection: apsw.Connection, name: str) -> Collection | None:
    row = connection.execute(f"{_COLLECTIONS} AND name = ?", (name,)).fetchone()
    return _collection(*row) if row else None


def counts(connection: apsw.Connection, name: str) -> Counts:
    row = connection.execute(_COUNTS, (name,)).fetchone()
    return Counts(**dict(zip(Counts.__struct_fields__, row, strict=True))) if row else Counts()


def missing(connection: apsw.Connection, name: str, limit: int, skip: Names[str]) -> list[Waiting]:
    """Distinct digests that wait for a vector, oldest first."""
    found: dict[str, Waiting] = {}
    for digest, text in connection.execute(_MISSING, (key(connection, name), encoded(list(skip)))):
        if len(found) == limit:
            break
        found.setdefault(digest, Waiting(digest, text))
    return list(found.values())


def documents(connection: apsw.Connection, name: str, folder: str) -> dict[str, Document]:
    """By path, in the order of paths: all, or those at and below `folder`."""
    query = _DOCUMENTS
    if folder := folder.rstrip("/"):
        query += f" AND (path = :folder OR ({UNDER_PREFIX}))"
    names = {"collection": key(connection, name), "folder": folder, "prefix": f"{folder}/"}
    return {row[1]: _document(*row[1:]) for row in connection.execute(f"{query} ORDER BY path", names)}


def chunks(connection: apsw.Connection, ids: Sequence[str]) -> dict[str, Chunk]:
    return {row[0]: _chunk(*row) for row in connection.execute(_CHUNKS_BY_ID, (encoded(ids),))}


def document_chunks(connection: apsw.Connection, name: str, path: str) -> list[Chunk]:
    query = "SELECT key FROM documents WHERE collection = ? AND path = ?"
    return _chunks_of(connection, connection.execute(query, (key(connection, name), path)))


def page(connection: apsw.Connection, name: str, after: str, limit: int) -> list[Entry]:
    """The next documents after a path, whole; none at the end."""
    query = f"{_DOCUMENTS} AND path > :after ORDER BY path LIMIT :limit"
    names = {"collection": key(connection, name), "after": after, "limit": limit}
    rows = connection.execute(query, names).fetchall()
    chunks: dict[str, list[Chunk]] = {str(row[1]): [] for row in rows}
    for chunk in _chunks_of(connection, rows):
        chunks[chunk.path].append(chunk)
    return [Entry(document=_document(*row[1:]), chunks=chunks[str(row[1])]) for row in rows]


def vectors(connection: apsw.Connection, ids: Sequence[str]) -> dict[str, bytes]:
    return dict(connection.execute(_VECTORS, (encoded(ids),)))


def embedded(connection: apsw.Connection, name: str) -> frozenset[str]:
    query = f"{_IDS_OF_COLLECTION} AND chunks.embedded"
    return frozenset(row[0] for row in connection.execute(query, {"collection": key(connection, name)}))


def cursor(connection: apsw.Connection, name: str, source: str) -> str | None:
    query = "SELECT value FROM cursors WHERE collection = ? AND source = ?"
    found: str | None = connection.execute(query, (key(connection, name), source)).get
    return found


def encoded(value: object) -> str:
    """As JSON, the way a list of any length becomes one value of a statement."""
    return msgspec.json.encode(value).decode()


def _chunks_of(connection: apsw.Connection, documents: Iterable[Sequence[Any]]) -> list[Chunk]:
    """The chunks of some documents, given as rows that begin with their keys, in that order."""
    wanted = encoded([row[0] for row in documents])
    return [_chunk(*row) for row in connection.execute(_CHUNKS_OF_DOCUMENTS, (wanted,))]


def _collection(*row: Any) -> Collection:
    return Collection(**dict(zip(Collection.__struct_fields__, row, strict=True)))


def _document(*row: Any) -> Document:
    fields = dict(zip(Document.__struct_fields__, row, strict=True))
    fields["metadata"] = _metadata.decode(fields["metadata"])
    return Document(**fields)


def _chunk(*row: Any) -> Chunk:
    fields = dict(zip(Chunk.__struct_fields__, row, strict=True))
    fields["heading"] = _headings.decode(fields["heading"])
    fields["metadata"] = _metadata.decode(fields["metadata"])
    return Chunk(**fields)
