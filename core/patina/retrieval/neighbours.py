"""A file as the question: what lies near it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from patina.retrieval.subject import path_in, unknown
from patina.shelf import Shelved
from patina.store import Store

if TYPE_CHECKING:
    from patina.types import Vector

MAX_WORDS_CHARACTERS = 4_000


class Neighbourhood(msgspec.Struct, frozen=True, eq=False):
    """The file's chunk ids, its words, and its mean direction for the model it was embedded with."""

    ids: frozenset[str]
    text: str
    vectors: dict[str, Vector]


def neighbourhood(file: str, collections: Sequence[Shelved], store: Store) -> Neighbourhood:
    """`file` is a path within a collection or an absolute one. Raises `NotFound` with the nearest."""
    for one in collections:
        path = path_in(one, file)
        chunks = store.document_chunks(one.name, path) if path else []
        if chunks:
            vectors = store.vectors([chunk.id for chunk in chunks])
            mean = {one.record.identity: _mean(list(vectors.values()))} if vectors else {}
            text = "\n".join(chunk.text for chunk in chunks)[:MAX_WORDS_CHARACTERS]
            return Neighbourhood(frozenset(chunk.id for chunk in chunks), text, mean)
    raise unknown(file, collections, store, "file")


def _mean(vectors: list[bytes]) -> Vector:
    mean: Vector = np.mean([np.frombuffer(raw, dtype="<f4") for raw in vectors], axis=0, dtype=np.float32)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
