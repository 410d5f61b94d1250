"""LanceDB: its own full-text index, IVF_HNSW_SQ in one partition with a second look at the best, and its own fusion.

Words are found only once they have an index. Rows that are newer than an index are scanned, and LanceDB's guide asks
for `optimize` after some twenty writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
from lancedb.index import FTS, HnswSq
from lancedb.rerankers import RRFReranker

from benchmarks.store.passages import DIMENSION, Batch, Question

EF = 128
REFINE = 3
WRITES_UNTIL_OPTIMIZED = 20
COLUMNS = ["number", "text"]
SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("path", pa.string()),
        pa.field("text", pa.string()),
        pa.field("vector", pa.list_(pa.float32(), DIMENSION)),
    ]
)


class Measured:
    packages = ("lancedb",)
    batch = 10_000

    def open(self, folder: Path) -> None:
        database = lancedb.connect(folder)
        self._table = database.create_table("passages", schema=SCHEMA, exist_ok=True)
        self._indexed = {column for index in self._table.list_indices() for column in index.columns}
        self._rerank = RRFReranker()
        self._writes = 0

    def load(self, batch: Batch) -> None:
        vectors = pa.FixedSizeListArray.from_arrays(batch.vectors.ravel(), DIMENSION)
        columns = [pa.array(batch.numbers), pa.array(batch.paths), pa.array(batch.texts), vectors]
        self._table.add(pa.Table.from_arrays(columns, schema=SCHEMA))
        self._writes += 1
        if self._indexed and self._writes % WRITES_UNTIL_OPTIMIZED == 0:
            self._table.optimize()

    def durable(self) -> None: ...

    def settle(self) -> None:
        self._index("text", FTS())
        self._index("vector", HnswSq(distance_type="cosine", num_partitions=1))
        self._table.optimize()

    def hybrid(self, question: Question, count: int) -> list[int]:
        asked = self._table.search(query_type="hybrid").vector(question.vector).text(question.text)
        return self._numbers(asked.rerank(self._rerank).distance_type("cosine").ef(EF).refine_factor(REFINE), count)

    def by_words(self, question: Question, count: int) -> list[int]:
        self._index("text", FTS())
        return self._numbers(self._table.search(question.text, query_type="fts"), count)

    def by_meaning(self, question: Question, count: int) -> list[int]:
        asked = self._table.search(question.vector, query_type="vector").distance_type("cosine")
        return self._numbers(asked.ef(EF).refine_factor(REFINE), count)

    def close(self) -> None: ...

    def _index(self, column: str, config: FTS | HnswSq) -> None:
        if column not in self._indexed:
            self._table.create_index(column, config=config)
            self._indexed.add(column)

    def _numbers(self, asked: Any, count: int) -> list[int]:
        found: list[int] = asked.select(COLUMNS).limit(count).to_arrow()["number"].to_pylist()
        return found
