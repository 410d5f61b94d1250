"""One tantivy index: passages in, BM25 rankings out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tantivy

from patina_hybrid.arm import TIE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

HEAP_BYTES = 15_000_000
"""What the writer may hold before it writes a segment: tantivy's least, given back when it rests."""
SPARE = 1.5
FETCH_COST = 3
"""Looking at one found passage takes as long as this many ids in a query that contains the filter."""
MAX_TIED = 16_384
"""How far past the window equal scores are followed so that their ids can decide."""
_ANALYSED = "analysed"
_NOBODY = "\0"
"""No passage's id."""

WRITE_ERRORS = (ValueError, RuntimeError, OSError)
"""What tantivy raises for a lock that is held, a writer that has died and a disk that is full."""


class Postings:
    """One thread at a time writes; any number search `searcher`, the state as of the last `publish`.

    Terms come analysed: tantivy only cuts at the spaces between them, and no text ever meets its query language.
    """

    def __init__(self, folder: Path | None) -> None:
        """Open the index in `folder`, or make a new one there (None: in memory). Raises one of `WRITE_ERRORS`."""
        self._schema = _schema()
        self._index = tantivy.Index(self._schema, path=str(folder) if folder else None)
        self._index.config_reader("manual")
        self._index.register_tokenizer(_ANALYSED, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        self._writer: tantivy.IndexWriter | None = None
        self.searcher: tantivy.Searcher = self._index.searcher()

    def put(self, id_: str, terms: Iterable[str]) -> None:
        document = tantivy.Document()
        document.add_text("id", id_)
        document.add_text("terms", " ".join(terms))
        self.delete(id_)
        self._open_writer().add_document(document)

    def delete(self, id_: str) -> None:
        self._open_writer().delete_documents_by_term("id", id_)

    def publish(self) -> None:
        """Make everything written durable and visible."""
        if self._writer is not None:
            self._writer.commit()
        self._refresh()

    def rest(self) -> None:
        """Let merges end and give the writer's memory back. What was written but not published is lost.

        Raises one of `WRITE_ERRORS` when a merge fails; the writer is gone all the same.
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()
            del writer  # it holds the lock until it is gone
            self._refresh()

    def abandon(self) -> None:
        """Let go of a writer that failed, with all that was not published."""
        self._writer = None

    def search(self, terms: Sequence[str], window: int, only: frozenset[str] | None) -> list[tuple[str, float]]:
        """At least the best `window` passages with any of `terms`, more when scores are equal at the end."""
        searcher = self.searcher
        if only is None:
            return _best(searcher, self._query(terms, None), window)
        enough = int(SPARE * window * searcher.num_docs / max(1, len(only)))
        if enough * FETCH_COST <= len(only):  # a wide filter is quicker applied to what is found
            found = _best(searcher, self._query(terms, None), enough)
            admitted = [hit for hit in found if hit[0] in only]
            if len(admitted) >= window or len(found) < enough:
                return admitted
        return _best(searcher, self._query(terms, only), window)

    def holds(self, ids: Collection[str]) -> frozenset[str]:
        """Those of `ids` that are published."""
        searcher = self.searcher
        hits = searcher.search(self._one_of(ids), max(1, len(ids)), count=False).hits
        return frozenset(_id(searcher, address) for _, address in hits)

    def ids(self) -> frozenset[str]:
        return frozenset(id_ for id_, _ in self.searcher.terms_with_prefix("id", "", tantivy.Query.all_query()))

    @property
    def count(self) -> int:
        return int(self.searcher.num_docs)

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(HEAP_BYTES, 1)
            # A new writer numbers its first operation like the last commit. A merge takes that for done, and may lose a
            # delete: so the first one deletes nothing.
            self._writer.delete_documents_by_term("id", _NOBODY)
        return self._writer

    def _refresh(self) -> None:
        self._index.reload()
        self.searcher = self._index.searcher()

    def _query(self, terms: Sequence[str], only: Collection[str] | None) -> tantivy.Query:
        any_term = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "terms", term, index_option="freq"))
                for term in terms
            ]
        )
        if only is None:
            return any_term
        admitted = tantivy.Query.const_score_query(self._one_of(only), 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, any_term), (tantivy.Occur.Must, admitted)])

    def _one_of(self, ids: Collection[str]) -> tantivy.Query:
        return tantivy.Query.term_set_query(self._schema, "id", list(ids))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name=_ANALYSED, index_option="freq")
    return builder.build()


def _best(searcher: tantivy.Searcher, query: tantivy.Query, window: int) -> list[tuple[str, float]]:
    limit = window + 1
    while True:
        hits = searcher.search(query, limit, count=False).hits
        cut_through_ties = len(hits) == limit and hits[window - 1][0] - hits[-1][0] < TIE
        if not cut_through_ties or limit >= MAX_TIED:
            return [(_id(searcher, address), score) for score, address in hits]
        limit *= 2


def _id(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
    return str(searcher.doc(address)["id"][0])
