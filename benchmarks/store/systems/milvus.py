"""Milvus Lite: HNSW for the vectors, its BM25 function for the words, and its own fusion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymilvus import AnnSearchRequest, DataType, Function, FunctionType, MilvusClient, RRFRanker

from benchmarks.store.passages import DIMENSION, Batch, Question
from benchmarks.store.system import WINDOW

NAME = "passages"
MAX_CHARS = 65_535
DENSE = {"metric_type": "COSINE", "params": {"ef": 128}}
SPARSE = {"metric_type": "BM25"}


class Measured:
    packages = ("milvus-lite", "pymilvus")
    batch = 1_000

    def open(self, folder: Path) -> None:
        self._client = MilvusClient(str(folder / "passages.db"))
        if not self._client.has_collection(NAME):
            self._client.create_collection(NAME, schema=_schema(), index_params=_indexes())
        self._client.load_collection(NAME)

    def load(self, batch: Batch) -> None:
        rows = zip(batch.numbers, batch.paths, batch.texts, batch.vectors.tolist(), strict=True)
        names = ("number", "path", "text", "vector")
        self._client.insert(NAME, [dict(zip(names, row, strict=True)) for row in rows])

    def durable(self) -> None: ...

    def settle(self) -> None:
        self._client.flush(NAME)

    def hybrid(self, question: Question, count: int) -> list[int]:
        arms = [
            AnnSearchRequest([question.vector.tolist()], "vector", DENSE, WINDOW),
            AnnSearchRequest([question.text], "sparse", SPARSE, WINDOW),
        ]
        return _numbers(self._client.hybrid_search(NAME, arms, RRFRanker(), count, output_fields=["text"]))

    def by_words(self, question: Question, count: int) -> list[int]:
        return self._found([question.text], "sparse", SPARSE, count)

    def by_meaning(self, question: Question, count: int) -> list[int]:
        return self._found([question.vector.tolist()], "vector", DENSE, count)

    def close(self) -> None:
        self._client.close()

    def _found(self, data: list[Any], field: str, how: dict[str, Any], count: int) -> list[int]:
        return _numbers(
            self._client.search(NAME, data, anns_field=field, search_params=how, limit=count, output_fields=["text"])
        )


def _numbers(found: Any) -> list[int]:
    return [int(hit["number"]) for hit in found[0]]


def _schema() -> Any:
    schema = MilvusClient.create_schema(auto_id=False)
    schema.add_field("number", DataType.INT64, is_primary=True)
    schema.add_field("path", DataType.VARCHAR, max_length=MAX_CHARS)
    schema.add_field("text", DataType.VARCHAR, max_length=MAX_CHARS, enable_analyzer=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSION)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    bm25 = Function(
        name="bm25", function_type=FunctionType.BM25, input_field_names=["text"], output_field_names=["sparse"]
    )
    schema.add_function(bm25)
    return schema


def _indexes() -> Any:
    indexes = MilvusClient.prepare_index_params()
    graph = {"M": 16, "efConstruction": 100}
    indexes.add_index("vector", index_type="HNSW", metric_type="COSINE", params=graph)
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={})
    return indexes
