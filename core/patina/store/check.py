"""Is the store whole? Every promise that its tables make to each other, looked at one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import apsw

from patina.identity import chunk_ids, digest, fits
from patina.types import Fault

SHOWN = 3
"""Examples that a fault names."""
_RESTORE = "Keep a copy of the file, then index anew into another home."
_REINDEX = "Remove the collection's documents and index them again."
_REEMBED = "Run `patina rebuild` for the collection."


class Promise(NamedTuple):
    """`broken` selects the rows for which it does not hold."""

    complaint: str
    broken: str
    repair: str


_PROMISES = (
    Promise(
        "chunks stand in another collection than their document",
        """
        SELECT chunks.id FROM chunks JOIN documents ON documents.key = chunks.document
        WHERE chunks.collection <> documents.collection
        """,
        _REINDEX,
    ),
    Promise("chunks have no text", "SELECT id FROM chunks WHERE key NOT IN (SELECT key FROM texts)", _REINDEX),
    Promise(
        "documents have chunks whose positions do not count from 0",
        """
        SELECT documents.path FROM documents JOIN chunks ON chunks.document = documents.key
        GROUP BY documents.key
        HAVING min(position) <> 0 OR max(position) <> count(*) - 1 OR count(DISTINCT position) <> count(*)
        """,
        _REINDEX,
    ),
    Promise(
        "chunks are wrongly marked as having, or not having, a vector",
        """
        SELECT chunks.id
        FROM chunks
        JOIN collections ON collections.key = chunks.collection
        LEFT JOIN models ON models.identity = collections.identity
        WHERE chunks.embedded <> EXISTS (
            SELECT 1 FROM vectors WHERE vectors.model = models.key AND vectors.digest = chunks.digest
        )
        """,
        _REEMBED,
    ),
    Promise(
        "vectors have a length that is not their model's",
        """
        SELECT vectors.digest FROM vectors JOIN models ON models.key = vectors.model
        WHERE length(vector) <> 4 * dimension
        """,
        _REEMBED,
    ),
    Promise(
        "collections have counters that do not count what is there",
        """
        SELECT name FROM collections WHERE (documents, chunks, embedded) <> (
            (SELECT count(*) FROM documents WHERE collection = collections.key),
            (SELECT count(*) FROM chunks WHERE collection = collections.key),
            (SELECT count(*) FROM chunks WHERE collection = collections.key AND chunks.embedded)
        )
        """,
        _RESTORE,
    ),
    Promise(
        "documents cannot be found by what they say of themselves, or are by what they do not",
        """
        WITH said AS (
            SELECT collection, each.key, each.value, documents.key FROM documents, json_each(documents.metadata) AS each
        )
        SELECT document FROM (SELECT * FROM attributes EXCEPT SELECT * FROM said)
        UNION ALL
        SELECT key FROM (SELECT * FROM said EXCEPT SELECT * FROM attributes)
        """,
        _RESTORE,
    ),
    Promise(
        "chunks are alive although the log does not say so last",
        """
        SELECT chunks.id
        FROM chunks LEFT JOIN log
            ON log.seq = chunks.told AND log.op = 'put' AND log.id = chunks.id AND log.collection = chunks.collection
        WHERE log.seq IS NULL
        UNION ALL
        SELECT chunks.id
        FROM log JOIN chunks ON chunks.id = log.id AND chunks.collection = log.collection
        WHERE log.op = 'delete' AND log.seq > chunks.told
        """,
        _REINDEX,
    ),
    Promise(
        "entries of the log tell of chunks that are gone, or twice of one",
        """
        SELECT log.seq
        FROM log LEFT JOIN chunks ON chunks.id = log.id AND log.seq IN (chunks.told, chunks.vector_told)
        WHERE log.op <> 'delete' AND chunks.key IS NULL
        """,
        _RESTORE,
    ),
)
_FOREIGN = """SELECT "table", rowid, parent FROM pragma_foreign_key_check ORDER BY 1, 3"""
_CONTENT = """
    SELECT collections.name, documents.path, chunks.id, chunks.digest, texts.text
    FROM documents
    JOIN collections ON collections.key = documents.collection
    JOIN chunks INDEXED BY chunks_by_document ON chunks.document = documents.key
    JOIN texts ON texts.key = chunks.key
    ORDER BY documents.key, chunks.position
"""


def check(connection: apsw.Connection, full: bool) -> list[Fault]:
    """Everything that is wrong; `full` also reads every byte, and every text again as if it were new."""
    faults = list(_structure(connection, full))
    if not faults:  # the rest would only say the same, or fail, on a file whose pages are damaged
        faults += _broken_promises(connection)
        faults += _foreign(connection)
    if full and not faults:
        faults += _content(connection)
    return faults


def _structure(connection: apsw.Connection, full: bool) -> Iterator[Fault]:
    try:
        for (said,) in connection.execute(f"PRAGMA {'integrity_check' if full else 'quick_check'}(100)"):
            if said != "ok":
                yield Fault("store", f"SQLite finds: {said}.", _RESTORE)
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
        yield Fault("store", f"The file cannot be read to its end ({error}).", _RESTORE)


def _broken_promises(connection: apsw.Connection) -> Iterator[Fault]:
    for promise in _PROMISES:
        found = [str(value) for (value,) in connection.execute(promise.broken)]
        if found:
            yield _fault("store", promise.complaint, found, promise.repair)


def _foreign(connection: apsw.Connection) -> Iterator[Fault]:
    for (table, parent), rows in groupby(connection.execute(_FOREIGN), key=itemgetter(0, 2)):
        complaint = f"rows of {table} point to rows of {parent} that do not exist"
        yield _fault("store", complaint, [str(row[1]) for row in rows], _RESTORE)


def _content(connection: apsw.Connection) -> Iterator[Fault]:
    """Texts against their digests, and ids against what they are made from."""
    for (repo, path), rows in groupby(connection.execute(_CONTENT), key=itemgetter(0, 1)):
        ids, digests, texts = zip(*(row[2:] for row in rows), strict=True)
        altered = [one for one, own, text in zip(ids, digests, texts, strict=True) if own != digest(text.encode())]
        if altered:
            yield _fault(f"{repo}/{path}", "texts differ from their digests", altered, _REINDEX)
        made = zip(ids, digests, chunk_ids(repo, path, digests), strict=True)
        foreign = [one for one, content, own in made if one != own and not fits(one, repo, path, content)]
        if foreign:
            yield _fault(f"{repo}/{path}", "ids are not made from their contents", foreign, _REINDEX)


def _fault(where: str, complaint: str, found: list[str], repair: str) -> Fault:
    return Fault(where, f"{len(found)} {complaint} ({', '.join(found[:SHOWN])}).", repair)
