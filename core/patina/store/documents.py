"""Replacing and removing documents, as a step of the writer's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import apsw
import msgspec

from patina.store import jobs, log
from patina.store.catalogue import keys
from patina.store.records import Entry, Write
from patina.types import Chunk, Document, Seq

_LOG_REMOVED = """
    INSERT INTO log (collection, op, id, unit)
    SELECT documents.collection, 'delete', chunks.id, ?3
    FROM documents JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = ?1 AND documents.path IN (SELECT value FROM json_each(?2))
    ORDER BY documents.key, chunks.position
"""
_REMOVE = "DELETE FROM documents WHERE collection = ? AND path IN (SELECT value FROM json_each(?))"
_NAMED = """
    SELECT chunks.key, chunks.id, chunks.document
    FROM json_each(?) AS named
    CROSS JOIN chunks ON chunks.id = named.value AND chunks.collection = ?
"""
_CLOSE_UP = """
    UPDATE chunks SET position = counted.place
    FROM (
        SELECT key, row_number() OVER (PARTITION BY document ORDER BY position) - 1 AS place
        FROM chunks WHERE document IN (SELECT value FROM json_each(?))
    ) AS counted
    WHERE chunks.key = counted.key AND chunks.position <> counted.place
"""
_INSERT = """
    INSERT INTO documents
        (location, digest, title, language, size, modified_ns, chunker, metadata, collection, path)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE = """
    UPDATE documents
    SET location = ?, digest = ?, title = ?, language = ?, size = ?, modified_ns = ?, chunker = ?, metadata = ?
    WHERE key = ?
"""
_HELD_CHUNKS = """
    SELECT id, digest, key, position, start_byte, end_byte, start_line, end_line, heading
    FROM chunks WHERE document = ?
"""
_INSERT_CHUNK = """
    INSERT INTO chunks
        (key, id, collection, document, digest, position, start_byte, end_byte, start_line, end_line, heading, embedded)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, EXISTS (SELECT 1 FROM vectors WHERE model = ? AND digest = ?))
"""
_MOVE_CHUNK = """
    UPDATE chunks SET position = ?, start_byte = ?, end_byte = ?, start_line = ?, end_line = ?, heading = ?
    WHERE key = ?
"""

Placement: TypeAlias = tuple[int, int, int, int, int, str]
"""Where in its document a chunk is: position, bytes, lines, and the headings above it as JSON."""


class _Rows:
    """The rows of one write, gathered so that each statement runs over all of them at once."""

    def __init__(self, collection: int, model: int | None, last_key: int) -> None:
        self.collection = collection
        self.model = model
        self.last_key = last_key
        self.gone: list[tuple[int, str]] = []
        self.moved: list[tuple[object, ...]] = []
        self.new: list[tuple[object, ...]] = []
        self.texts: list[tuple[int, str]] = []
        self.told: list[str] = []
        """Ids that an index must take in, anew or again."""


class _Held(NamedTuple):
    """A chunk's row."""

    key: int
    placement: Placement


def write(connection: apsw.Connection, change: Write) -> Seq:
    """Replace and remove documents; returns the head of the collection's log. Raises `NotFound`."""
    collection, model = keys(connection, change.collection)
    unit = log.next_unit(connection)
    puts = {entry.document.path: entry for entry in change.puts}
    _drop(connection, collection, unit, change.drop_chunks)
    _remove(connection, collection, unit, [path for path in change.deletes if path not in puts])
    rows = _compared(connection, collection, model, puts.values())
    _put(connection, rows, unit)
    if change.cursor is not None:
        connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (collection, *change.cursor))
    if change.job is not None:
        jobs.mark(connection, change.job)
    connection.execute("UPDATE collections SET indexed_at = unixepoch('subsec') WHERE key = ?", (collection,))
    return log.head(connection, collection)


def _remove(connection: apsw.Connection, collection: int, unit: int, paths: list[str]) -> None:
    if paths:
        which = (collection, _encoded(paths))
        connection.execute(_LOG_REMOVED, (*which, unit))
        connection.execute(_REMOVE, which)


def _drop(connection: apsw.Connection, collection: int, unit: int, ids: list[str]) -> None:
    if ids:
        rows = connection.execute(_NAMED, (_encoded(ids), collection)).fetchall()
        log.append(connection, collection, unit, "delete", [id for _, id, _ in rows])
        connection.executemany("DELETE FROM chunks WHERE key = ?", [(key,) for key, _, _ in rows])
        connection.execute(_CLOSE_UP, (_encoded([document for _, _, document in rows]),))


def _compared(connection: apsw.Connection, collection: int, model: int | None, entries: Iterable[Entry]) -> _Rows:
    rows = _Rows(collection, model, connection.execute("SELECT ifnull(max(key), 0) FROM chunks").get)
    for entry in entries:
        _compare(connection, rows, entry)
    return rows


def _put(connection: apsw.Connection, rows: _Rows, unit: int) -> None:
    log.append(connection, rows.collection, unit, "delete", [row[1] for row in rows.gone])
    connection.executemany("DELETE FROM chunks WHERE key = ?", [row[:1] for row in rows.gone])
    connection.executemany(_MOVE_CHUNK, rows.moved)
    connection.executemany(_INSERT_CHUNK, rows.new)
    connection.executemany("INSERT INTO texts VALUES (?, ?)", rows.texts)
    log.append(connection, rows.collection, unit, "put", rows.told)


def _compare(connection: apsw.Connection, rows: _Rows, entry: Entry) -> None:
    """Bring the document's row up to date and note which chunks stay, move, come and go.

    Only what an index sees is told again: a passage that merely moved is not.
    """
    document, retitled = _put_document(connection, rows.collection, entry.document)
    held = {
        (chunk_id, digest): _Held(key, tuple(placement))
        for chunk_id, digest, key, *placement in connection.execute(_HELD_CHUNKS, (document,))
    }
    for chunk in entry.chunks:
        placement = _placement(chunk)
        before = held.pop((chunk.id, chunk.digest), None)
        if before is None:
            _add(rows, document, chunk, placement)
            continue
        if placement != before.placement:
            rows.moved.append((*placement, before.key))
        if retitled or placement[-1] != before.placement[-1]:
            rows.told.append(chunk.id)
    rows.gone += [(row.key, chunk_id) for (chunk_id, _), row in held.items()]


def _add(rows: _Rows, document: int, chunk: Chunk, placement: Placement) -> None:
    rows.last_key += 1
    rows.new.append(
        (rows.last_key, chunk.id, rows.collection, document, chunk.digest, *placement, rows.model, chunk.digest)
    )
    rows.texts.append((rows.last_key, chunk.text))
    rows.told.append(chunk.id)


def _put_document(connection: apsw.Connection, collection: int, document: Document) -> tuple[int, bool]:
    """The key of the document's row, and whether it had another title before."""
    known = connection.execute(
        "SELECT key, title FROM documents WHERE collection = ? AND path = ?", (collection, document.path)
    ).fetchone()
    row = (
        document.location,
        document.digest,
        document.title,
        document.language,
        document.size,
        document.modified_ns,
        document.chunker,
        _encoded(document.metadata),
    )
    if known is None:
        connection.execute(_INSERT, (*row, collection, document.path))
        return connection.last_insert_rowid(), False
    key, title = known
    connection.execute(_UPDATE, (*row, key))
    return key, title != document.title


def _placement(chunk: Chunk) -> Placement:
    heading = _encoded(chunk.heading) if chunk.heading else "[]"
    return chunk.position, chunk.start_byte, chunk.end_byte, chunk.start_line, chunk.end_line, heading


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()
