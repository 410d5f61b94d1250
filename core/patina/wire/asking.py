"""A question, the passages that answer it, and what is left out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from patina.types import Mode
from patina.wire.message import Name, PathText, QueryText, Reply, Request


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Admits a chunk when every given part does."""

    path_prefix: Annotated[str, Meta(max_length=4096)] | None = None
    language: Annotated[str, Meta(max_length=64)] | None = None
    ids: Annotated[list[Name], Meta(max_length=10_000)] | None = None
    metadata: dict[str, str | Annotated[list[str], Meta(min_length=1, max_length=1000)]] = {}
    """By key: the value, or a list of values of which it is one."""
    since: Annotated[float, Meta(ge=0, le=1e11)] | None = None
    until: Annotated[float, Meta(ge=0, le=1e11)] | None = None
    """Unix time, half-open: when the document was last modified."""


class ArmScore(msgspec.Struct, frozen=True, kw_only=True):
    rank: int
    """From 1."""
    score: float
    """The arm's own: cosine, BM25."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk as everybody outside sees it."""

    id: str
    repo: str
    path: str
    location: str
    start_line: int
    end_line: int
    title: str
    heading: list[str]
    text: str
    snippet: str
    previous: str | None
    next: str | None


class Hit(Passage, frozen=True, kw_only=True):
    """One passage that answers. `score` is `rrf` divided by the best possible of the arms asked: 0 to 1."""

    score: float
    rrf: float
    arms: dict[str, ArmScore]
    matched: list[str] | None = None
    """The question's words that the passage holds; only with `explain`."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """How one document fared, whether it is among the hits or not."""

    repo: str
    path: str
    chunk: str | None
    """The id of its best passage; null when no arm listed any within the window."""
    rank: int | None
    """Of that passage in the answer's order, from 1; null when it is further down than the answer looked."""
    arms: dict[str, ArmScore]
    """That passage's places in the arms' own lists."""
    window: int
    """How far down each arm was asked in the end."""
    matched: list[str]
    """The question's words that the document holds."""
    missing: list[str]
    """Those that it does not."""
    sentence: str


class Hits(Reply, frozen=True, kw_only=True):
    hits: list[Hit]
    degraded: str | None
    """Why the answer may be less than it could be, in a sentence; null when it is whole."""
    took_ms: float
    embed_ms: float = 0.0
    """The part of `took_ms` that went into embedding the question."""
    weights: dict[str, float] = {}
    """What each arm's vote counted."""
    why: Why | None = None
    """About the document that `why` asked for."""


class Scry(Request[Hits], frozen=True, kw_only=True, tag="scry"):
    """Ask. `mode` "file" wants `file` and returns that file's neighbours; no `repos` means all."""

    query: QueryText = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 10
    mode: Mode = "hybrid"
    file: PathText | None = None
    repos: Annotated[list[Name], Meta(max_length=1000)] = []
    filter: Filter | None = None
    min_score: Annotated[float, Meta(ge=0, le=1)] = 0.0
    explain: bool = False
    why: PathText | None = None
    """A document's path, or a chunk's id: tell how it fared."""
