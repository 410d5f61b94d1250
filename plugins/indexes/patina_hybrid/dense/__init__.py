"""The dense arm: new vectors are searched exactly, older ones through immutable HNSW graphs."""
