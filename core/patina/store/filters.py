"""From a filter to the ids of the chunks that it admits."""

from __future__ import annotations

import math

import apsw
import msgspec

from patina.wire import Filter

# x'ff' sorts after every character of UTF-8, so the range is just the paths that begin with the prefix.
UNDER_PREFIX = "documents.path >= :prefix AND documents.path < CAST(CAST(:prefix AS BLOB) || x'ff' AS TEXT)"

_SELECT = """
    SELECT chunks.id FROM documents CROSS JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = :collection
"""
# A document has one value of each name: those that have one of the wanted values of all names are counted so often.
_WITH_METADATA = """
    SELECT attributes.document
    FROM json_each(:metadata) AS wanted
    CROSS JOIN json_each(wanted.value) AS value
    CROSS JOIN attributes
        ON attributes.collection = :collection AND attributes.name = wanted.key AND attributes.value = value.value
    GROUP BY attributes.document HAVING count(*) = :names
"""
_SELECT_WITH_METADATA = f"""
    WITH said AS MATERIALIZED ({_WITH_METADATA})
    SELECT chunks.id
    FROM said
    CROSS JOIN documents ON documents.key = said.document
    CROSS JOIN chunks ON chunks.document = documents.key
    WHERE documents.collection = :collection
"""  # noqa: S608 - nothing in it is anybody's input
_SELECT_OF_IDS = """
    SELECT chunks.id
    FROM json_each(:ids) AS wanted
    CROSS JOIN chunks ON chunks.id = wanted.value
    CROSS JOIN documents ON documents.key = chunks.document
    WHERE documents.collection = :collection
"""
# The first condition, which the second one implies, lets SQLite take the index that leaves empty languages out.
_OF_LANGUAGE = "documents.language > '' AND documents.language = :language"
_WITHOUT_LANGUAGE = "documents.language = ''"
# Likewise; a document whose time is not known is in no range.
_IN_TIME = "documents.modified_ns > 0 AND documents.modified_ns >= :since AND documents.modified_ns < :until"
_LAST_NS = 2**63 - 1


def select(connection: apsw.Connection, collection: int, wanted: Filter) -> frozenset[str]:
    """The ids of the live chunks of a collection that the filter admits."""
    metadata = {name: [one] if isinstance(one, str) else sorted(set(one)) for name, one in wanted.metadata.items()}
    names = {
        "collection": collection,
        "prefix": wanted.path_prefix,
        "language": wanted.language,
        "ids": _encoded(wanted.ids),
        "since": _nanoseconds(wanted.since, 0),
        "until": _nanoseconds(wanted.until, _LAST_NS),
        "metadata": _encoded(metadata),
        "names": len(metadata),
    }
    return frozenset(row[0] for row in connection.execute(" AND ".join(_terms(wanted)), names))


def _terms(wanted: Filter) -> list[str]:
    """What leaves least is looked up; the rest is asked of each document that is found."""
    of_documents = _SELECT_WITH_METADATA if wanted.metadata else _SELECT
    terms = [of_documents if wanted.ids is None else _SELECT_OF_IDS]
    if wanted.path_prefix:
        terms.append(UNDER_PREFIX)
    if wanted.language is not None:
        terms.append(_OF_LANGUAGE if wanted.language else _WITHOUT_LANGUAGE)
    if wanted.since is not None or wanted.until is not None:
        terms.append(_IN_TIME)
    if wanted.metadata and wanted.ids is not None:
        terms.append(f"documents.key IN ({_WITH_METADATA})")
    return terms


def _nanoseconds(moment_s: float | None, otherwise: int) -> int:
    """The first nanosecond that is not before a moment."""
    if moment_s is None:
        return otherwise
    return min(_LAST_NS, math.ceil(moment_s * 1_000_000_000))


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()
