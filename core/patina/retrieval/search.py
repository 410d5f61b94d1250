"""One question, asked of several collections at once.

The question is embedded once a model, each collection ranks in its own thread, rankings of one arm and one model are
merged by score, the arms are fused by rank, and the store hands over the winners that are still alive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from patina.config import PipelineSettings
from patina.errors import Busy, InvalidRequest, PatinaError
from patina.models import Lane
from patina.retrieval import degrade
from patina.retrieval.fusion import Fused, fuse, merge
from patina.retrieval.neighbours import Neighbourhood, neighbourhood
from patina.retrieval.snippet import snippet
from patina.retrieval.trust import BEST_CANDIDATES, trust
from patina.retrieval.words import matched
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Chunk, Query, Ranking
from patina.wire import Hit, Hits, Scry

if TYPE_CHECKING:
    from patina.types import Vector

DENSE = "dense"
LEXICAL = "lexical"
ARMS = {"hybrid": None, "semantic": (DENSE,), "lexical": (LEXICAL,), "file": None}
MIN_WINDOW = 50
WINDOW_PER_HIT = 5


class Run(Protocol):
    """Runs blocking work on the engine's bounded executor."""

    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


class _Asked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the collections are asked: the words, the question's vector for each model, and what is left out."""

    text: str
    vectors: dict[str, Vector]
    leave_out: frozenset[str] = frozenset()
    """Documents (their chunks' ids) that asked the question themselves."""
    embed_ms: float = 0.0
    failure: PatinaError | None = None
    """Why a model that is there gave no vector for the question."""


async def search(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> Hits:
    """Answer a question that has been checked against its limits."""
    started = time.perf_counter()
    asked = await _ask(request, collections, store, run)
    pairs = await asyncio.gather(*(_rank(request, asked, one, store, run) for one in collections))
    window = _window(request) * max(1, len(pairs))
    rankings = _by_arm(list(zip(collections, pairs, strict=True)), window)
    settings = collections[0].settings if collections else PipelineSettings()
    weights = await run(_weights, request, rankings, settings, store)
    fused = fuse(rankings, weights, k=settings.rrf_k, weights=weights)
    hits = await run(_fetch, request, asked, fused, store)
    return Hits(
        hits=hits,
        degraded=await run(degrade.sentence, request.mode, collections, store, asked.failure),
        took_ms=_ms_since(started),
        embed_ms=asked.embed_ms,
        weights=weights,
    )


async def _ask(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> _Asked:
    if request.mode == "file":
        if not request.file:
            raise InvalidRequest("Mode 'file' needs the file.", hint="Name it in `file`.", param="file")
        around: Neighbourhood = await run(neighbourhood, request.file, collections, store)
        return _Asked(text=around.text, vectors=around.vectors, leave_out=around.ids)
    if not request.query.strip():
        raise InvalidRequest("The question is empty.", hint="Ask something in `query`.", param="query")
    if request.mode == "lexical":
        return _Asked(text=request.query, vectors={})
    return await _embed_question(request.query, collections)


async def _embed_question(text: str, collections: Sequence[Shelved]) -> _Asked:
    started = time.perf_counter()
    vectors: dict[str, Vector] = {}
    failures: dict[str, PatinaError] = {}
    for one in collections:
        if one.mismatch is not None:
            raise one.mismatch
        if one.info is None or one.info.identity in vectors.keys() | failures.keys():
            continue
        try:
            [result] = await one.model.embed([text], "query", Lane.QUESTION)
            vectors[one.info.identity] = result.vector
        except Busy:
            raise  # to ask again is better than to be answered by half
        except PatinaError as error:
            failures[one.info.identity] = error
    failure = next(iter(failures.values()), None)
    return _Asked(text=text, vectors=vectors, embed_ms=_ms_since(started) if vectors else 0.0, failure=failure)


async def _rank(request: Scry, asked: _Asked, one: Shelved, store: Store, run: Run) -> list[Ranking]:
    vector = asked.vectors.get(one.record.identity)
    arms = ARMS[request.mode]
    if arms == (DENSE,) and (vector is None or not (await run(store.counts, one.name)).embedded):
        arms = None  # no vectors to compare with: words are the next best, and `degraded` says so
    query = Query(
        text=asked.text,
        vector=vector,
        window=_window(request) + len(asked.leave_out),
        only=await run(store.select, one.name, request.filter) if request.filter else None,
        arms=arms,
    )
    rankings: list[Ranking] = await run(one.index.rank, query)
    return [_without(ranking, asked.leave_out) for ranking in rankings]


def _by_arm(answers: list[tuple[Shelved, list[Ranking]]], window: int) -> list[Ranking]:
    """Merge what can be compared by score: the same arm of the same index, and for vectors of the same model."""
    groups: dict[tuple[str, str, str], list[Ranking]] = {}
    for one, rankings in answers:
        for ranking in rankings:
            model = "" if ranking.arm == LEXICAL else one.record.identity
            groups.setdefault((ranking.arm, one.record.index, model), []).append(ranking)
    return [merge(group, arm, window) for (arm, _, _), group in sorted(groups.items())]


def _weights(request: Scry, rankings: list[Ranking], settings: PipelineSettings, store: Store) -> dict[str, float]:
    """What each arm's vote counts: what is configured, and for a hybrid answer how far to trust the words."""
    weights = {ranking.arm: settings.weights.get(ranking.arm, 1.0) for ranking in rankings}
    if request.mode == "hybrid" and settings.adapt_weights and len(weights) > 1 and LEXICAL in weights:
        best = [c.id for ranking in rankings if ranking.arm == LEXICAL for c in ranking.candidates[:BEST_CANDIDATES]]
        texts = [chunk.text for chunk in store.chunks(best).values()]
        weights[LEXICAL] *= trust(request.query, texts)
    return weights


def _fetch(request: Scry, asked: _Asked, fused: list[Fused], store: Store) -> list[Hit]:
    """The best `limit` that are alive and good enough; a page at a time, for an index may lag behind the store."""
    hits: list[Hit] = []
    good = [one for one in fused if one.score >= request.min_score]
    for start in range(0, len(good), request.limit):
        page = good[start : start + request.limit]
        chunks = store.chunks([one.id for one in page])
        hits += [_hit(request, asked, one, chunks[one.id]) for one in page if one.id in chunks]
        if len(hits) >= request.limit:
            break
    return hits[: request.limit]


def _hit(request: Scry, asked: _Asked, fused: Fused, chunk: Chunk) -> Hit:
    question = request.query
    return Hit(
        id=chunk.id,
        score=fused.score,
        rrf=fused.rrf,
        repo=chunk.repo,
        path=chunk.path,
        location=chunk.location,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        title=chunk.title,
        heading=list(chunk.heading),
        text=chunk.text,
        snippet=snippet(chunk.text, question),
        previous=chunk.previous,
        next=chunk.next,
        arms=fused.arms,
        matched=matched(question or asked.text, chunk.text) if request.explain else None,
    )


def _without(ranking: Ranking, ids: frozenset[str]) -> Ranking:
    if not ids:
        return ranking
    return Ranking(ranking.arm, [candidate for candidate in ranking.candidates if candidate.id not in ids])


def _window(request: Scry) -> int:
    return max(MIN_WINDOW, WINDOW_PER_HIT * request.limit)


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
