"""The log of changes: what indexes follow.

It is appended to in the transaction of the change itself, and its positions only grow, over all collections, even
when its last entries are removed. An entry says which chunk to look at; what a follower is told is what holds when it
reads. So it may follow from any position, twice or from far behind, and ends with what is alive. What later entries
supersede is removed with them, so that the log is as long as what is alive, and as the deletes that are kept for the
slowest index. What one write says is a unit: a follower that is told a part of it would show documents with half of
their passages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

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
# The last entry stays whatever it says: a follower that begins anew must be able to reach the head.
_SWEEP = """
    DELETE FROM log WHERE seq IN (
        SELECT seq FROM log INDEXED BY log_of_deletes
        WHERE collection = ?1 AND op = 'delete' AND seq <= ?2
            AND seq < (SELECT max(seq) FROM log WHERE collection = ?1)
        ORDER BY seq LIMIT ?3
    )
    RETURNING seq
"""
_DELETES = "SELECT count(*) FROM log INDEXED BY log_of_deletes WHERE collection = ? AND op = 'delete'"

SWEPT_AT_ONCE = 10_000
"""Entries that a sweep removes at most."""

Op: TypeAlias = Literal["put", "vector", "delete"]
_headings = msgspec.json.Decoder(tuple[str, ...])


def next_seq(connection: apsw.Connection) -> Seq:
    """The position of the next entry."""
    return int(connection.execute("SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'log'").get)


def append(connection: apsw.Connection, op: Op, chunks: Sequence[tuple[int, str]], unit: int | None = None) -> range:
    """Say the same of some chunks, each given as its collection's key and its id; returns the entries' positions."""
    first = next_seq(connection)
    connection.executemany(
        "INSERT INTO log (seq, collection, op, id, unit) VALUES (?, ?, ?, ?, ?)",
        [(seq, collection, op, id, unit) for seq, (collection, id) in enumerate(chunks, start=first)],
    )
    return range(first, first + len(chunks))


def retract(connection: apsw.Connection, positions: Iterable[Seq | None]) -> None:
    """Remove entries that what is said next supersedes: whoever has not read them will not miss them."""
    connection.executemany("DELETE FROM log WHERE seq = ?", [(seq,) for seq in positions if seq is not None])


def head(connection: apsw.Connection, collection: int) -> Seq:
    """The last position of a collection; 0 before its first entry."""
    return int(connection.execute("SELECT ifnull(max(seq), 0) FROM log WHERE collection = ?", (collection,)).get)


def last(connection: apsw.Connection) -> Seq:
    """The last position over all collections."""
    return next_seq(connection) - 1


def changes(connection: apsw.Connection, collection: int, model: int | None, after: Seq, limit: int) -> list[Change]:
    """The entries after a position, oldest first: one change for each, and the last one's unit to its end."""
    rows = connection.execute(_CHANGES, (model, collection, after, None, limit)).fetchall()
    if rows:
        unit, last = rows[-1][:2]
        rest = () if unit is None else connection.execute(_CHANGES, (model, collection, last, unit, -1))
        rows.extend(rest)
    return [_change(row[1:]) for row in rows]


def sweep(connection: apsw.Connection, applied: Mapping[str, Seq], keep: int) -> int:
    """Forget deletes up to the positions given by collection, oldest first, all but `keep`; returns how many."""
    swept = 0
    for name, position in applied.items():
        collection = connection.execute("SELECT key FROM collections WHERE name = ?", (name,)).get
        most = max(0, min(int(connection.execute(_DELETES, (collection,)).get) - keep, SWEPT_AT_ONCE - swept))
        gone: list[tuple[Any, ...]] = connection.execute(_SWEEP, (collection, position, most)).fetchall()
        if gone:
            connection.execute("UPDATE collections SET swept = max(swept, ?) WHERE key = ?", (max(gone)[0], collection))
        swept += len(gone)
    return swept


def _change(row: tuple[Any, ...]) -> Change:
    seq, chunk_id, heading, path, title, text, raw = row
    if heading is None:  # deleted, or deleted since
        return Change(seq=seq, op="delete", id=chunk_id)
    vector = None if raw is None else np.frombuffer(raw, dtype="<f4")
    if text is None:
        return Change(seq=seq, op="vector", id=chunk_id, vector=vector)
    headings = _headings.decode(heading)
    return Change(seq=seq, op="put", id=chunk_id, path=path, title=title, heading=headings, text=text, vector=vector)
