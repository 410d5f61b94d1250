"""The bare engines: tantivy for the words, hnswlib for the vectors, and a sum of reciprocal ranks.

No store, no durable text, no deletes, nothing that survives a crash in the middle: what is left cannot be left out.
hnswlib must not be asked while it is added to, so a lock stands between the two.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

import hnswlib
import numpy as np
import tantivy

from benchmarks.store.fusion import fused
from benchmarks.store.passages import DIMENSION, Batch, Question
from benchmarks.store.system import WINDOW

CAPACITY = 320_000
LINKS, EF_CONSTRUCTION, EF = 24, 150, 256
"""As Patina's own graphs have them by default; the large ones it searches more widely."""
THREADS = 2
HEAP_BYTES = 64_000_000

_WORD = re.compile(r"\w+")


class Measured:
    packages = ("tantivy", "hnswlib")
    batch = 1_000

    def open(self, folder: Path) -> None:
        self._graph_file = folder / "graph"
        words = folder / "words"
        words.mkdir(exist_ok=True)
        schema = tantivy.SchemaBuilder()
        schema.add_integer_field("number", stored=True, fast=True)
        schema.add_text_field("text", stored=True, tokenizer_name="en_stem")
        self._words = tantivy.Index(schema.build(), str(words))
        self._writer: tantivy.IndexWriter | None = None
        self._graph = hnswlib.Index(space="ip", dim=DIMENSION)
        if self._graph_file.exists():
            self._graph.load_index(str(self._graph_file), max_elements=CAPACITY)
        else:
            self._graph.init_index(CAPACITY, M=LINKS, ef_construction=EF_CONSTRUCTION)
        self._graph.set_ef(EF)
        self._using_graph = threading.Lock()

    def load(self, batch: Batch) -> None:
        self._writer = self._writer or self._words.writer(HEAP_BYTES)
        for number, text in zip(batch.numbers, batch.texts, strict=True):
            self._writer.add_document(tantivy.Document(number=number, text=text))
        self._writer.commit()
        self._words.reload()
        with self._using_graph:
            self._graph.add_items(batch.vectors, np.asarray(batch.numbers), num_threads=THREADS)

    def durable(self) -> None:
        self._graph.save_index(str(self._graph_file))

    def settle(self) -> None:
        if self._writer:
            self._writer.wait_merging_threads()
            self._writer = None
            self._words.reload()

    def hybrid(self, question: Question, count: int) -> list[int]:
        return fused(self.by_words(question, WINDOW), self.by_meaning(question, WINDOW))[:count]

    def by_words(self, question: Question, count: int) -> list[int]:
        searcher = self._words.searcher()
        words = " ".join(_WORD.findall(question.text.lower()))  # nothing that a query's grammar gives a meaning
        query = self._words.parse_query(words, ["text"])
        found = [address for _, address in searcher.search(query, count, count=False).hits]
        return [int(searcher.doc(address)["number"][0]) for address in found]

    def by_meaning(self, question: Question, count: int) -> list[int]:
        with self._using_graph:
            labels, _ = self._graph.knn_query(question.vector, k=count, num_threads=1)
        found: list[int] = labels[0].tolist()
        return found

    def close(self) -> None:
        self.settle()
        self.durable()
