"""The log of changes: what indexes follow.

It is appended to in the transaction of the change itself, and its positions only grow, over all collections, even
when its last entries are removed. An entry says which chunk to look at; what a follower is told is what holds when it
reads. So it may follow from any position, twice or from far behind, and ends with what is alive. What one write says
is a unit: a follower that is told a part of it would show documents with half of their passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import apsw
import msgspec
import numpy as np

from patina.types import Change, Seq

# The text of a chunk is read for a put; for a vector only if that vector is not the collection's model's.
_CHANGES = """
    SELECT log.unit, log.seq, log.id, chunks.heading, documents.path, documents.title, texts.text, vectors.vector
    FROM log INDEXED BY log_by_collection
    LEFT JOIN chunks ON log.op <> 'delete' AND chunks.id = log.id AND chunks.collection = log.collection
    LEFT JOIN vectors ON vectors.model = ?1 AND vectors.digest = chunks.digest
    LEFT JOIN documents ON documents.key = chunks.document
    LEFT JOIN texts ON texts.key = chunks.key AND (log.op = 'put' OR vectors.vector IS NULL)
    WHERE log.collection = ?2 AND log.seq > ?3 AND (?4 IS NULL OR log.unit = ?4)
    ORDER BY log.seq
    LIMIT ?5
"""
# An entry is superseded by a later put or delete of its chunk, a vector by a later vector too.
_SWEEP = """
    WITH latest AS (SELECT id, max(seq) AS said, max(seq) FILTER (WHERE op <> 'vector') AS put FROM log GROUP BY id)
    DELETE FROM log WHERE seq IN (
        SELECT log.seq FROM log JOIN latest ON latest.id = log.id
        WHERE log.seq < latest.put OR (log.op = 'vector' AND log.seq < latest.said)
    )
"""

_headings = msgspec.json.Decoder(tuple[str, ...])


def next_unit(connection: apsw.Connection) -> int:
    """What names the next unit: the position of its first entry."""
    return int(connection.execute("SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'log'").get)


def append(
    connection: apsw.Connection, collection: int, unit: int, op: Literal["put", "delete"], ids: Sequence[str]
) -> None:
    connection.executemany(
        "INSERT INTO log (collection, op, id, unit) VALUES (?, ?, ?, ?)", [(collection, op, one, unit) for one in ids]
    )


def head(connection: apsw.Connection, collection: int) -> Seq:
    """The last position of a collection; 0 before its first entry."""
    return int(connection.execute("SELECT ifnull(max(seq), 0) FROM log WHERE collection = ?", (collection,)).get)


def last(connection: apsw.Connection) -> Seq:
    """The last position over all collections."""
    return int(connection.execute("SELECT ifnull(max(seq), 0) FROM log").get)


def changes(connection: apsw.Connection, collection: int, model: int | None, after: Seq, limit: int) -> list[Change]:
    """The entries after a position, oldest first: one change for each, and the last one's unit to its end."""
    rows = connection.execute(_CHANGES, (model, collection, after, None, limit)).fetchall()
    if rows:
        unit, last = rows[-1][:2]
        rest = () if unit is None else connection.execute(_CHANGES, (model, collection, last, unit, -1))
        rows.extend(rest)
    return [_change(row[1:]) for row in rows]


def sweep(connection: apsw.Connection) -> int:
    """Remove the entries that later ones supersede; returns how many. What deletes say stays, for the slowest index."""
    connection.execute(_SWEEP)
    return connection.changes()


def _change(row: tuple[Any, ...]) -> Change:
    seq, chunk_id, heading, path, title, text, raw = row
    if heading is None:  # deleted, or deleted since
        return Change(seq=seq, op="delete", id=chunk_id)
    vector = None if raw is None else np.frombuffer(raw, dtype="<f4")
    if text is None:
        return Change(seq=seq, op="vector", id=chunk_id, vector=vector)
    headings = _headings.decode(heading)
    return Change(seq=seq, op="put", id=chunk_id, path=path, title=title, heading=headings, text=text, vector=vector)
