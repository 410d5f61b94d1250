"""The lines of an export, as the store's documents again.

A document's passages are lines that follow each other, chained by their ids: `previous` is null in the first of them,
`next` in the last. So a file that was cut short, or put together wrongly, is noticed where it is wrong, and an id says
whether its text was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from patina.errors import InvalidRequest
from patina.identity import chunk_ids, digest, fits
from patina.store import Entry
from patina.types import Chunk, Document
from patina.wire import ChunkLine


class Line(NamedTuple):
    """A passage and the number of its line, from 1."""

    number: int
    chunk: ChunkLine


def documents(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Whole documents, as their lines. Raises `InvalidRequest`, naming the line that is wrong."""
    gathered: list[Line] = []
    for line in lines:
        _check_place(line, gathered)
        gathered.append(line)
        if line.chunk.next is None:
            _check_ids(gathered)
            yield gathered
            gathered = []
    if gathered:
        raise _wrong(gathered[-1], "the document ends in the middle: the passage after this one is missing")


def entry(lines: Sequence[Line], repo: str) -> Entry:
    """A whole document as the store takes it, in a collection of this name; in its own its passages keep their ids."""
    first = lines[0].chunk
    document = Document(
        path=first.path,
        location=first.location,
        digest=first.document.digest,
        title=first.title,
        language=first.language,
        size=first.document.size,
        modified_ns=first.document.modified_ns,
        chunker=first.document.chunker,
        metadata=first.metadata,
    )
    digests = _digests(lines)
    ids = [line.chunk.id for line in lines] if repo == first.repo else chunk_ids(repo, first.path, digests)
    parts = zip(ids, digests, range(len(lines)), lines, strict=True)
    return Entry(document=document, chunks=[_chunk(repo, *part) for part in parts])


def _chunk(repo: str, id: str, content: str, position: int, numbered: Line) -> Chunk:
    line = numbered.chunk
    return Chunk(
        id=id,
        repo=repo,
        path=line.path,
        location=line.location,
        digest=content,
        text=line.text,
        start_byte=line.start_byte,
        end_byte=line.end_byte,
        start_line=line.start_line,
        end_line=line.end_line,
        position=position,
        title=line.title,
        heading=tuple(line.heading),
        language=line.language,
        metadata=line.metadata,
    )


def _check_place(line: Line, before: list[Line]) -> None:
    """Whether a line follows from the one before, and says of its document what the first one said."""
    chunk = line.chunk
    last = before[-1].chunk if before else None
    if last is not None and (chunk.id != last.next or chunk.previous != last.id):
        raise _wrong(line, f"it is not the passage that follows line {line.number - 1}")
    if last is None and chunk.previous is not None:
        raise _wrong(line, "the document begins in the middle: the passage before this one is missing")
    if last is not None and _shared(chunk) != _shared(last):
        raise _wrong(line, f"it says otherwise of its document than line {line.number - 1}")
    if not chunk.path or "\x00" in chunk.path:
        raise _wrong(line, "its path is no name of a document")
    if chunk.end_byte < chunk.start_byte or not 1 <= chunk.start_line <= chunk.end_line:
        raise _wrong(line, "its passage ends before it begins")


def _check_ids(lines: Sequence[Line]) -> None:
    """Whether each id is made from what its line says."""
    first = lines[0].chunk
    digests = _digests(lines)
    seen: set[str] = set()
    for line, content, id in zip(lines, digests, chunk_ids(first.repo, first.path, digests), strict=True):
        if line.chunk.id in seen:
            raise _wrong(line, "its id is that of a passage before it")
        seen.add(line.chunk.id)
        if line.chunk.id != id and not fits(line.chunk.id, first.repo, first.path, content):
            raise _wrong(line, "its id is not made from its repo, path and text: something in it was changed")


def _shared(chunk: ChunkLine) -> tuple[object, ...]:
    return (chunk.repo, chunk.path, chunk.location, chunk.title, chunk.language, chunk.metadata, chunk.document)


def _digests(lines: Sequence[Line]) -> list[str]:
    return [digest(line.chunk.text.encode()) for line in lines]


def _wrong(line: Line, why: str) -> InvalidRequest:
    return InvalidRequest(f"Line {line.number}: {why}.", hint="Export again, and import that file unchanged.")
