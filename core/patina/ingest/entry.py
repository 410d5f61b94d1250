"""From a text to what the store keeps: a document with its chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from patina.identity import chunk_ids, digest
from patina.ingest.chunk import Piece
from patina.store import Entry
from patina.types import Chunk, Document


class Cutter(msgspec.Struct, frozen=True):
    """How a collection's texts are cut: the chunker's name, stored with each document, and the chunker."""

    name: str
    cut: Callable[[str, str], list[Piece]]


def entry(repo: str, document: Document, text: str, cutter: Cutter, simhash: int | None = None) -> Entry:
    """Cut a document's text. Chunk ids depend on the collection's name, the path, the texts and nothing else."""
    pieces = cutter.cut(text, document.language)
    digests = [digest(piece.text.encode()) for piece in pieces]
    ids = chunk_ids(repo, document.path, digests)
    return Entry(
        document=msgspec.structs.replace(document, chunker=cutter.name),
        chunks=[_chunk(repo, document, *parts) for parts in zip(ids, digests, range(len(ids)), pieces, strict=True)],
        simhash=simhash,
    )


def documents_size(entries: Sequence[Entry]) -> int:
    """In chunks; an empty document counts as one."""
    return sum(max(1, len(one.chunks)) for one in entries)


def _chunk(repo: str, document: Document, id: str, content: str, position: int, piece: Piece) -> Chunk:
    return Chunk(
        id=id,
        repo=repo,
        path=document.path,
        location=document.location,
        digest=content,
        text=piece.text,
        start_byte=piece.start_byte,
        end_byte=piece.end_byte,
        start_line=piece.start_line,
        end_line=piece.end_line,
        position=position,
        title=document.title,
        heading=piece.heading,
        language=document.language,
        metadata=document.metadata,
    )
