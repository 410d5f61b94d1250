"""What ``[indexes.hybrid]`` may say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from patina.hookspecs import Settings


class HybridSettings(Settings, frozen=True, kw_only=True):
    """Changing `lexical` or `language` rebuilds the lexical arm; the other settings only steer new work."""

    lexical: Literal["tantivy", "rank-bm25"] = "tantivy"
    """Who keeps the words: `tantivy` for any size, `rank-bm25` as the small reference that lives in memory."""
    language: str = "en"
    """Whose word endings are stripped ("en", "de", "fr", …); empty for none."""
    rank_bm25_max_chunks: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """The most chunks that `rank-bm25` takes: it scans all of them for every question."""
    segment_size: Annotated[int, Meta(ge=2, le=1_000_000)] = 8_192
    """Vectors searched exactly before they become a graph."""
    tail_max: Annotated[int, Meta(ge=2, le=4_000_000)] = 131_072
    """Vectors without a graph at which taking in new ones waits for the graphs."""
    ef: Annotated[int, Meta(ge=1, le=10_000)] = 256
    """How widely a graph of `segment_size` vectors is searched, larger ones a little more, each of several less: higher
    finds more true neighbours, more slowly."""
    m: Annotated[int, Meta(ge=2, le=128)] = 24
    """Links a vector in a graph."""
    ef_construction: Annotated[int, Meta(ge=1, le=10_000)] = 150
    """How widely a graph is searched while it is built."""

    def __post_init__(self) -> None:
        if self.tail_max < self.segment_size:
            raise ValueError("`tail_max` must be at least `segment_size`")
