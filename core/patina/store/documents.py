"""Replacing and removing documents, as a step of the writer's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import apsw
import msgspec

from patina.store import jobs, log, similar
from patina.store.catalogue import keys
from patina.store.records import Entry, Write
from patina.types import Chunk, Document, Seq

_REMOVED = """
    SELECT chunks.key, chunks.id, chunks.document, chunks.told, chunks.vector_told
    FROM documents JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = ? AND documents.path IN (SELECT value FROM json_each(?))
    ORDER BY documents.key, chunks.position
"""
_REMOVE = "DELETE FROM documents WHERE collection = ? AND path IN (SELECT value FROM json_each(?))"
_NAMED = """
    SELECT chunks.key, chunks.id, chunks.document, chunks.told, chunks.vector_told
    FROM json_each(?2) AS named
    CROSS JOIN chunks ON chunks.id = named.value AND chunks.collection = ?1
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
    SELECT id, digest, key, told, vector_told, position, start_byte, end_byte, start_line, end_line, heading
    FROM chunks WHERE document = ?
"""
_INSERT_CHUNK = """
    INSERT INTO chunks
        (told, key, id, collection, document, digest, position, start_byte, end_byte, start_line, end_line, heading,
        embedded)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, EXISTS (SELECT 1 FROM vectors WHERE model = ? AND digest = ?))
"""
_MOVE_CHUNK = """
    UPDATE chunks SET position = ?, start_byte = ?, end_byte = ?, start_line = ?, end_line = ?, heading = ?
    WHERE key = ?
"""
_RETELL_CHUNK = "UPDATE chunks SET told = ?, vector_told = NULL WHERE key = ?"

Placement: TypeAlias = tuple[int, int, int, int, int, str]
"""Where in its document a chunk is: position, bytes, lines, and the headings above it as JSON."""


class _Rows:
    """The rows of one write, gathered so that each statement runs over all of them at once."""

    def __init__(self, collection: int, model: int | None, last_key: int) -> None:
        self.collection = collection
        self.model = model
        self.last_key = last_key
        self.gone: list[tuple[int, str]] = []
        """Keys and ids."""
        self.moved: list[tuple[object, ...]] = []
        self.new: list[tuple[object, ...]] = []
        self.texts: list[tuple[int, str]] = []
        self.retold: list[tuple[int, str]] = []
        """Keys and ids of those that stay, and that an index must take in again."""
        self.superseded: list[Seq | None] = []
        """Positions of what the log said of the gone and of the retold."""


class _Held(NamedTuple):
    """A chunk's row."""

    key: int
    said: tuple[Seq, Seq | None]
    """Where the log says that it is there, and that its vector is."""
    placement: Placement


def write(connection: apsw.Connection, change: Write) -> Seq:
    """Replace and remove documents; returns the head of the collection's log. Raises `NotFound`."""
    collection, model = keys(connection, change.collection)
    unit = log.next_seq(connection)
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
        _tell_gone(connection, collection, unit, connection.execute(_REMOVED, which).fetchall())
        connection.execute(_REMOVE, which)


def _drop(connection: apsw.Connection, collection: int, unit: int, ids: list[str]) -> None:
    if ids:
        rows = connection.execute(_NAMED, (collection, _encoded(ids))).fetchall()
        _tell_gone(connection, collection, unit, rows)
        connection.executemany("DELETE FROM chunks WHERE key = ?", [row[:1] for row in rows])
        connection.execute(_CLOSE_UP, (_encoded([row[2] for row in rows]),))


def _tell_gone(connection: apsw.Connection, collection: int, unit: int, rows: list[tuple[Any, ...]]) -> None:
    """Rows as `_REMOVED` and `_NAMED` select them."""
    log.retract(connection, [seq for row in rows for seq in row[3:]])
    log.append(connection, "delete", [(collection, row[1]) for row in rows], unit)


def _compared(connection: apsw.Connection, collection: int, model: int | None, entries: Iterable[Entry]) -> _Rows:
    rows = _Rows(collection, model, connection.execute("SELECT ifnull(max(key), 0) FROM chunks").get)
    for entry in entries:
        _compare(connection, rows, entry)
    return rows


def _put(connection: apsw.Connection, rows: _Rows, unit: int) -> None:
    log.retract(connection, rows.superseded)
    log.append(connection, "delete", [(rows.collection, id) for _, id in rows.gone], unit)
    connection.executemany("DELETE FROM chunks WHERE key = ?", [row[:1] for row in rows.gone])
    connection.executemany(_MOVE_CHUNK, rows.moved)
    again = log.append(connection, "put", [(rows.collection, id) for _, id in rows.retold], unit)
    connection.executemany(_RETELL_CHUNK, [(seq, key) for seq, (key, _) in zip(again, rows.retold, strict=True)])
    new = log.append(connection, "put", [(rows.collection, str(row[1])) for row in rows.new], unit)
    connection.executemany(_INSERT_CHUNK, [(seq, *row) for seq, row in zip(new, rows.new, strict=True)])
    connection.executemany("INSERT INTO texts VALUES (?, ?)", rows.texts)


def _compare(connection: apsw.Connection, rows: _Rows, entry: Entry) -> None:
    """Bring the document's row up to date and note which chunks stay, move, come and go.

    Only what an index sees is told again: a passage that merely moved is not.
    """
    document, retitled = _put_document(connection, rows.collection, entry.document)
    similar.keep(connection, rows.collection, document, entry.simhash)
    held = {
        (id, digest): _Held(key, (told, vector_told), tuple(placement))
        for id, digest, key, told, vector_told, *placement in connection.execute(_HELD_CHUNKS, (document,))
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
            rows.retold.append((before.key, chunk.id))
            rows.superseded += before.said
    rows.gone += [(row.key, id) for (id, _), row in held.items()]
    rows.superseded += [seq for row in held.values() for seq in row.said]


def _add(rows: _Rows, document: int, chunk: Chunk, placement: Placement) -> None:
    rows.last_key += 1
    rows.new.append(
        (rows.last_key, chunk.id, rows.collection, document, chunk.digest, *placement, rows.model, chunk.digest)
    )
    rows.texts.append((rows.last_key, chunk.text))


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
