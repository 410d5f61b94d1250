"""Chroma: its HNSW for the vectors. On one's own machine it ranks nothing by words; a filter stands in for that.

The second ranking is of the passages that contain the question's longest word, by their vectors, and the two are fused
here. Chroma's own hybrid search is its cloud's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings

from benchmarks.store.fusion import fused
from benchmarks.store.passages import Batch, Question
from benchmarks.store.system import WINDOW

HNSW = {"space": "cosine", "max_neighbors": 16, "ef_construction": 100, "ef_search": 128}


class Measured:
    packages = ("chromadb",)
    batch = 5_000

    def open(self, folder: Path) -> None:
        client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self._passages = client.get_or_create_collection(
            "passages", configuration={"hnsw": HNSW}, embedding_function=None
        )

    def load(self, batch: Batch) -> None:
        self._passages.add(
            ids=[str(number) for number in batch.numbers],
            embeddings=batch.vectors,
            documents=batch.texts,
            metadatas=[{"path": path} for path in batch.paths],
        )

    def durable(self) -> None: ...

    def settle(self) -> None: ...

    def hybrid(self, question: Question, count: int) -> list[int]:
        return fused(self.by_words(question, WINDOW), self.by_meaning(question, WINDOW))[:count]

    def by_words(self, question: Question, count: int) -> list[int]:
        longest = max(question.text.split(), key=len)
        return self._numbers(question, count, where_document={"$contains": longest})

    def by_meaning(self, question: Question, count: int) -> list[int]:
        return self._numbers(question, count)

    def close(self) -> None: ...

    def _numbers(self, question: Question, count: int, **filters: Any) -> list[int]:
        found = self._passages.query(
            query_embeddings=[question.vector], n_results=count, include=["documents"], **filters
        )
        return [int(id_) for id_ in found["ids"][0]]
