"""What is handed to the store, and what it says of its collections."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from patina.types import Chunk, Document


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A document with all of its chunks, in their order: their positions count from 0.

    A chunk's repo, path, location, title, language and metadata are its document's; the store keeps them once.
    """

    document: Document
    chunks: list[Chunk]


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together: some documents of one collection replaced, some removed, a cursor moved."""

    collection: str
    puts: list[Entry] = []
    deletes: list[str] = []
    """Paths of documents; one that is not there, or is in `puts` too, is passed over."""
    cursor: tuple[str, str] | None = None
    """How far a source has been read: its name and whatever it needs to go on from there."""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of documents, and what its vectors and its index are made with."""

    name: str
    root: str = ""
    """The absolute folder that document paths are relative to; empty for documents handed over as data."""
    embedder: str = ""
    index: str = ""
    identity: str = ""
    """sha256 of the embedder's artefact; empty while no model has been seen."""
    model: str = ""
    dimension: int = 0
    created_at: float = 0.0
    """Unix time, set by the store when the collection is first saved."""
    indexed_at: float | None = None
    """Unix time of the last write, set by the store."""


class Waiting(NamedTuple):
    """A text that a collection has no vector for."""

    digest: str
    text: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much a collection holds; `embedded` are the chunks whose vector is known."""

    documents: int = 0
    chunks: int = 0
    embedded: int = 0
