"""The texts that a collection's model refused. None of them is tried again until it is said to be due."""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

from patina.store.catalogue import keys
from patina.store.records import Failure
from patina.types import Seq

_NOTE = """
    INSERT INTO failures (collection, digest, reason, attempts, failed_at) VALUES (?, ?, ?, 1, unixepoch('subsec'))
    ON CONFLICT DO UPDATE SET
        reason = excluded.reason, attempts = attempts + 1, failed_at = excluded.failed_at, due = 0
"""
# A failure counts while a chunk with its text waits: the text may have left, or got its vector some other way.
_HELD = """
    FROM failures
    CROSS JOIN chunks INDEXED BY waiting_by_digest
        ON chunks.digest = failures.digest AND chunks.embedded = 0 AND chunks.collection = failures.collection
"""
COUNT = f"(SELECT count(*) {_HELD} WHERE failures.collection = collections.key AND NOT due)"
"""The chunks of a collection whose text was refused, as a part of a query of collections."""
_LIST = f"""
    SELECT failures.digest, reason, attempts, failed_at, min(chunks.id), documents.path
    {_HELD} JOIN documents ON documents.key = chunks.document
    WHERE failures.collection = ? AND NOT due
    GROUP BY failures.digest ORDER BY failed_at DESC, failures.digest LIMIT ?
"""


def note(connection: apsw.Connection, collection: str, reasons: Mapping[str, str]) -> Seq:
    """Remember reasons by digest, and count the attempts; returns 0, for no log moves. Raises `NotFound`."""
    key, _ = keys(connection, collection)
    connection.executemany(_NOTE, [(key, digest, reason) for digest, reason in reasons.items()])
    return 0


def forget(connection: apsw.Connection, collection: str) -> int:
    """Let every text of the collection be tried again; returns how many there were. Raises `NotFound`."""
    key, _ = keys(connection, collection)
    connection.execute("UPDATE failures SET due = 1 WHERE collection = ? AND NOT due", (key,))
    return connection.changes()


def recent(connection: apsw.Connection, collection: int, limit: int) -> list[Failure]:
    """Newest first."""
    return [
        msgspec.convert(dict(zip(Failure.__struct_fields__, row, strict=True)), Failure)
        for row in connection.execute(_LIST, (collection, limit))
    ]
