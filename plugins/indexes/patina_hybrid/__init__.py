"""The hybrid index: a dense arm (exact tail and immutable HNSW segments) and a lexical arm (BM25)."""
