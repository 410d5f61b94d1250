"""Collections of any size from the passages of the library: real ones first, then variations of them.

A variation has some words of another passage and a vector near the original's, so that both arms have as much to tell
apart as in text that somebody wrote. The same numbers come out every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks import library
from benchmarks.workshop import Workshop
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Collection, Entry, Store, Write
from patina.types import Document, ModelInfo

if TYPE_CHECKING:
    from patina.types import Vectors

NAME = "passages"
DOCUMENT_PASSAGES = 8
WRITE_DOCUMENTS = 32
STRAY = 0.4
"""The length of what is added to a unit vector: its cosine with the original is then 0.93."""
BORROWED = 0.3
"""The share of words that come from another passage."""


class Passages(msgspec.Struct, frozen=True, eq=False):
    texts: list[str]
    vectors: Vectors


async def passages(workshop: Workshop, count: int) -> Passages:
    """So many passages with their vectors."""
    home, _, _ = await library.library(workshop)
    return _extended(_read(home), count)


def _read(home: Path) -> Passages:
    store = Store.open(home / "data" / "patina.db")
    try:
        found = list(store.iterate(library.NAME))
        raw = {id_: raw for chunk in found for id_, raw in store.vectors([chunk.id]).items()}
    finally:
        store.close()
    vectors = np.stack([np.frombuffer(raw[chunk.id], "<f4") for chunk in found])
    return Passages([chunk.text for chunk in found], vectors)


def _extended(real: Passages, count: int) -> Passages:
    rng = np.random.default_rng(20)
    texts, vectors = real.texts[:count], [real.vectors[:count]]
    while len(texts) < count:
        wanted = min(len(real.texts), count - len(texts))
        texts = texts + [_varied(rng, real.texts, number) for number in range(wanted)]
        vectors.append(_astray(rng, real.vectors[:wanted]))
    return Passages(texts, np.concatenate(vectors))


def _varied(rng: np.random.Generator, texts: Sequence[str], number: int) -> str:
    words = texts[number].split(" ")
    others = texts[int(rng.integers(len(texts)))].split(" ")
    borrowed = rng.random(len(words)) < BORROWED
    return " ".join(
        others[place % len(others)] if other else word
        for place, (word, other) in enumerate(zip(words, borrowed, strict=True))
    )


def _astray(rng: np.random.Generator, vectors: Vectors) -> Vectors:
    noise = rng.standard_normal(vectors.shape, dtype=np.float32)
    moved = vectors + STRAY * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    strayed: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return strayed


def fill(home: Path, given: Passages, info: ModelInfo) -> None:
    """Write them into a new home's store as if they had been taken in and embedded. The index follows when opened."""
    (home / "data").mkdir(parents=True, mode=0o700)
    store = Store.open(home / "data" / "patina.db")
    try:
        record = Collection(
            name=NAME, embedder="", index="hybrid", identity=info.identity, model=info.name, dimension=info.dimension
        )
        store.save_collection(record).result()
        for write, vectors in _writes(given):
            store.write(write)
            store.put_vectors(info.identity, vectors)
    finally:
        store.close()


def _writes(given: Passages) -> Iterator[tuple[Write, dict[str, bytes]]]:
    step = DOCUMENT_PASSAGES * WRITE_DOCUMENTS
    for first in range(0, len(given.texts), step):
        starts = range(first, min(first + step, len(given.texts)), DOCUMENT_PASSAGES)
        puts = [_entry(start, given.texts[start : start + DOCUMENT_PASSAGES]) for start in starts]
        digests = [chunk.digest for put in puts for chunk in put.chunks]
        rows = given.vectors[first : first + step]
        yield (
            Write(collection=NAME, puts=puts),
            {digest: row.astype("<f4").tobytes() for digest, row in zip(digests, rows, strict=True)},
        )


def _entry(start: int, texts: Sequence[str]) -> Entry:
    path = f"{start:06}.py"
    pieces = [Piece(text=text, start_byte=0, end_byte=0, start_line=1, end_line=1) for text in texts]
    document = Document(path=path, location=path, digest=path)
    return entry(NAME, document, "", Cutter("given", lambda _text, _language: pieces))
