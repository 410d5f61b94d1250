"""The fixture as everybody reads it: documents with their passages, a vector for each passage, and questions.

`documents.jsonl` has a document a line, `vectors.npy` a row a passage in the same order. A document never crosses a
multiple of `STEP` passages, so that a collection of any such size is whole documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]
    Vector = npt.NDArray[np.float32]

STEP = 1_000
DIMENSION = 384


class Document(NamedTuple):
    path: str
    texts: list[str]


class Batch(NamedTuple):
    """Whole documents, and the vectors of their passages in order, float32 [passages, 384], of length one."""

    first: int
    """The number of the first passage, counted over the whole fixture."""
    documents: list[Document]
    vectors: Vectors

    @property
    def paths(self) -> list[str]:
        """Of each passage."""
        return [document.path for document in self.documents for _ in document.texts]

    @property
    def texts(self) -> list[str]:
        return [text for document in self.documents for text in document.texts]

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.vectors))


class Question(NamedTuple):
    text: str
    vector: Vector
    passage: int
    """The passage that it was made of."""


class Passages:
    """One fixture's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")

    def batches(self, start: int, stop: int, size: int) -> Iterator[Batch]:
        """The passages from `start` to `stop`, both multiples of `STEP`, about `size` at a time."""
        waiting: list[Document] = []
        first = number = 0
        for document in self._documents():
            inside = start <= number < stop
            if not waiting:
                first = number
            number += len(document.texts)
            if inside:
                waiting.append(document)
            if waiting and (number - first >= size or number >= stop):
                yield Batch(first, waiting, np.array(self.vectors[first:number]))
                waiting = []
            if number >= stop:
                return

    def _documents(self) -> Iterator[Document]:
        with (self.folder / "documents.jsonl").open() as file:
            for line in file:
                yield Document(*json.loads(line))

    def questions(self) -> list[Question]:
        written = json.loads((self.folder / "questions.json").read_text())
        vectors = np.load(self.folder / "questions.npy")
        return [Question(text, vector, passage) for (text, passage), vector in zip(written, vectors, strict=True)]

    def nearest(self, size: int) -> npt.NDArray[np.int64]:
        """For each question the numbers of the ten nearest of the first `size` passages, by an exact scan."""
        found: npt.NDArray[np.int64] = np.load(self.folder / f"nearest-{size}.npy")
        return found
