"""Taking away: passages, documents, whole collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.errors import InvalidRequest
from patina.shelf import Shelved
from patina.store import Store, Write
from patina.types import Document
from patina.wire import Filter

PATIENCE_S = 10.0
"""How long a removal waits for somebody else who writes to the collection."""


class Doomed(NamedTuple):
    """What is asked to go and is there, by name, and the names that nothing has."""

    paths: list[str]
    chunks: list[str]
    """Passages of documents that stay."""
    unknown: list[str]


class Removal:
    """Answers `Delete`, once it is durable."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.handlers: Mapping[type, Handler] = {wire.Delete: self._delete}
        self.streams: Mapping[type, Stream] = {}

    async def _delete(self, request: wire.Delete) -> wire.Deleted:
        _check_something_is_named(request)
        rooms = self._rooms
        async with rooms.indexing.alone(request.repo, patience_s=PATIENCE_S) as shelved:
            before = await rooms.run(rooms.store.counts, shelved.name)
            if request.everything:
                await rooms.indexing.drop(shelved)
                unknown: list[str] = []
            else:
                doomed = await rooms.run(_doomed, request, rooms.store)
                unknown = doomed.unknown
                write = Write(collection=shelved.name, deletes=doomed.paths, drop_chunks=doomed.chunks)
                await rooms.indexing.commit(shelved, write)
            after = await rooms.run(rooms.store.counts, shelved.name)
        return wire.Deleted(
            documents=before.documents - after.documents,
            chunks=before.chunks - after.chunks,
            unknown=unknown,
            note=_note(shelved, request),
        )


def _check_something_is_named(request: wire.Delete) -> None:
    named = bool(request.ids or request.paths or request.folder)
    if named == request.everything:
        raise InvalidRequest(
            "Say what to delete: ids, paths, a folder, or everything."
            if not named
            else "Everything is to be deleted, and something else is named too.",
            hint="Name what is to go, or ask for everything, and not both.",
            param="ids" if not named else "everything",
        )


def _doomed(request: wire.Delete, store: Store) -> Doomed:
    documents = store.documents(request.repo)
    paths, unknown = _by_path(request.paths, documents)
    if request.folder:
        below = store.documents(request.repo, request.folder)
        paths += below
        unknown += [] if below else [request.folder]
    known = store.select(request.repo, Filter(ids=request.ids)) if request.ids else frozenset()
    unknown += [id for id in request.ids if id not in known]
    emptied, chunks = _by_id(known, set(paths), store)
    return Doomed(list(dict.fromkeys([*paths, *emptied])), chunks, list(dict.fromkeys(unknown)))


def _by_id(ids: frozenset[str], going: set[str], store: Store) -> tuple[list[str], list[str]]:
    """The documents that would be left without any passage, and the passages to take from those that stay."""
    by_document: dict[tuple[str, str], list[str]] = {}
    for id, chunk in store.chunks(sorted(ids)).items():
        if chunk.path not in going:
            by_document.setdefault((chunk.repo, chunk.path), []).append(id)
    sizes = {document: len(store.document_chunks(*document)) for document in by_document}
    emptied = [path for (repo, path), named in by_document.items() if len(named) == sizes[repo, path]]
    chunks = [id for (_, path), named in by_document.items() if path not in emptied for id in named]
    return emptied, chunks


def _by_path(names: list[str], documents: Mapping[str, Document]) -> tuple[list[str], list[str]]:
    """The documents of these names, or at these addresses, and the names that no document has."""
    located = {document.location: path for path, document in documents.items()}
    found = {name: name if name in documents else located.get(name) for name in names}
    return [path for path in found.values() if path is not None], [name for name, path in found.items() if path is None]


def _note(shelved: Shelved, request: wire.Delete) -> str | None:
    """What the next run over the collection's folder will do about it."""
    root = shelved.record.root
    if not root or request.everything:
        return None
    return f"What is still in {root} comes back with the next `patina index` of it: `.patinaignore` keeps it out."
