"""A file of exported lines, on its way to a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b, file_digest
from io import BufferedRandom, BufferedReader
from typing import TypeAlias

import msgspec

from patina.errors import InvalidRequest
from patina.ingest.lines import Line, documents
from patina.wire import ChunkLine, invalid

MAX_LINE_BYTES = 64 << 20
DIGEST_BYTES = 16
BATCH_CHUNKS = 256
BATCH_BYTES = 1 << 20
"""A batch is sent once it has as much; it is longer when its last document is."""
MAX_DOCUMENT_CHUNKS = 20_000

Rewindable: TypeAlias = BufferedReader | BufferedRandom


class Source:
    """A file that has been read to its end once and found whole. Raises `InvalidRequest`, naming the line, if not."""

    def __init__(self, name: str, file: Rewindable) -> None:
        """name: what its imports are known by: one that was broken off is gone on with under the same name."""
        self.name = name
        self.digest = file_digest(file, partial(blake2b, digest_size=DIGEST_BYTES)).hexdigest()
        self.lines = 0
        self.documents = 0
        self.repos: set[str] = set()
        self._file = file
        for document in self._documents():
            _check_size(document)
            self.lines = document[-1].number
            self.documents += 1
            self.repos.add(document[0].chunk.repo)

    def batches(self, after: int) -> Iterator[list[Line]]:
        """Whole documents behind a line, some at a time."""
        batch: list[Line] = []
        size = 0
        for document in self._documents():
            if document[0].number > after:
                batch += document
                size += sum(len(line.chunk.text) for line in document)
            if len(batch) >= BATCH_CHUNKS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _documents(self) -> Iterator[list[Line]]:
        self._file.seek(0)
        return documents(self._decoded())

    def _decoded(self) -> Iterator[Line]:
        decoder = msgspec.json.Decoder(ChunkLine)
        number = 0
        while raw := self._file.readline(MAX_LINE_BYTES + 1):
            number += 1
            yield Line(number, _decoded(raw, number, decoder))


def _decoded(raw: bytes, number: int, decoder: msgspec.json.Decoder[ChunkLine]) -> ChunkLine:
    if len(raw) > MAX_LINE_BYTES:
        raise _no_passage(number, f"it has more than {MAX_LINE_BYTES >> 20} MiB")
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _no_passage(number, invalid(error).message.removesuffix(".")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_passage(number, str(error).removesuffix(".")) from None


def _check_size(document: list[Line]) -> None:
    if len(document) > MAX_DOCUMENT_CHUNKS:
        raise InvalidRequest(
            f"The document that begins with line {document[0].number} has more than {MAX_DOCUMENT_CHUNKS} passages.",
            hint="Leave it out: a document goes in as a whole.",
        )


def _no_passage(number: int, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"Line {number} is no passage of an export: {why}.",
        hint="Import what `patina export` wrote; nothing of this file was taken in.",
    )
