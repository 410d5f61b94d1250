"""The document, or the one passage, that somebody asks about by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import msgspec

from patina.errors import InvalidRequest, NotFound
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Chunk

MAX_COMPARED = 10_000
"""Names among which a similar one is looked for."""


class Subject(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What was named: a document with its passages, or one of them alone."""

    collection: Shelved
    path: str
    chunks: Sequence[Chunk]
    """None for a document without text."""

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(chunk.id for chunk in self.chunks)


def subject_of(name: str, collections: Sequence[Shelved], store: Store) -> Subject:
    """What a chunk's id, a path within a collection, or a location names.

    Raises `NotFound` with the nearest path, `InvalidRequest` for a path that several collections have.
    """
    by_name = {one.name: one for one in collections}
    chunk = store.chunks([name]).get(name)
    if chunk is not None and chunk.repo in by_name:
        return Subject(collection=by_name[chunk.repo], path=chunk.path, chunks=[chunk])
    found = [(one, path) for one in collections if (path := _document(one, name, store)) is not None]
    if not found:
        raise unknown(name, collections, store, "why")
    if len(found) > 1:
        names = ", ".join(one.name for one, _ in found)
        raise InvalidRequest(f"Several collections have {name}: {names}.", hint="Name one in `repos`.", param="why")
    [(one, path)] = found
    return Subject(collection=one, path=path, chunks=store.document_chunks(one.name, path))


def path_in(one: Shelved, name: str) -> str | None:
    """A path within a collection, for one or for an absolute one; None if that leads elsewhere."""
    root = one.record.root
    if not root or not name.startswith("/"):
        return name
    inside = f"{root.rstrip('/')}/"
    return name.removeprefix(inside) if name.startswith(inside) else None


def unknown(name: str, collections: Sequence[Shelved], store: Store, param: str) -> NotFound:
    """The error for a document that is in none of the collections."""
    near = _nearest(name, (path for one in collections for path in store.documents(one.name)))
    hint = f"The nearest is {near}." if near else "Index it first: `patina index PATH`."
    return NotFound(f"{name} is not indexed.", hint=hint, param=param)


def _document(one: Shelved, name: str, store: Store) -> str | None:
    """The path of a document in a collection, by its path or, for what was handed over as data, by its location."""
    path = path_in(one, name)
    if path is not None and path in store.documents(one.name, path):
        return path
    if one.record.root:
        return None
    documents = store.documents(one.name)
    return next((path for path, document in documents.items() if document.location == name), None)


def _nearest(name: str, paths: Iterable[str]) -> str | None:
    """The path most like a name: of those whose last part is the same, or else the most similar."""
    by_last: dict[str, list[str]] = {}
    for path in paths:
        by_last.setdefault(_last(path), []).append(path)
    last = _last(name)
    similar = [last] if last in by_last else difflib.get_close_matches(last, list(by_last)[:MAX_COMPARED], n=1)
    candidates = [path for each in similar for path in by_last[each]]
    return next(iter(difflib.get_close_matches(name, candidates[:MAX_COMPARED], n=1, cutoff=0)), None)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
