"""One question, asked of several collections at once.

The question is embedded once a model, each collection ranks in its own thread, rankings of one arm and one model are
merged by score, the arms are fused by rank, and the store hands over the winners that are still alive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from patina.config import PipelineSettings
from patina.retrieval import degrade
from patina.retrieval.fusion import Fused, fuse
from patina.retrieval.question import Question, Run, question
from patina.retrieval.ranking import LEXICAL, Panel
from patina.retrieval.snippet import snippet
from patina.retrieval.subject import Subject, subject_of
from patina.retrieval.trust import BEST_CANDIDATES, trust
from patina.retrieval.why import why
from patina.retrieval.words import matched
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Chunk, Ranking
from patina.wire import Hit, Hits, Scry


async def search(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> Hits:
    """Answer a question that has been checked against its limits."""
    started = time.perf_counter()
    subject: Subject | None = await run(subject_of, request.why, collections, store) if request.why else None
    asked = await question(request, collections, store, run)
    panel = Panel(request, asked, collections, store, run)
    rankings = await panel.rankings(panel.window)
    settings = collections[0].settings if collections else PipelineSettings()
    weights = await run(_weights, request, rankings, settings, store)
    fused = fuse(rankings, weights, k=settings.rrf_k, weights=weights)
    hits = await run(_fetch, request, asked, fused, store)
    return Hits(
        hits=hits,
        degraded=await run(degrade.sentence, request.mode, collections, store, asked.failure),
        why=await why(subject, panel, fused, hits) if subject else None,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        embed_ms=asked.embed_ms,
        weights=weights,
    )


def _weights(request: Scry, rankings: list[Ranking], settings: PipelineSettings, store: Store) -> dict[str, float]:
    """What each arm's vote counts: what is configured, and for a hybrid answer how far to trust the words."""
    weights = {ranking.arm: settings.weights.get(ranking.arm, 1.0) for ranking in rankings}
    if request.mode == "hybrid" and settings.adapt_weights and len(weights) > 1 and LEXICAL in weights:
        best = [c.id for ranking in rankings if ranking.arm == LEXICAL for c in ranking.candidates[:BEST_CANDIDATES]]
        texts = [chunk.text for chunk in store.chunks(best).values()]
        weights[LEXICAL] *= trust(request.query, texts)
    return weights


def _fetch(request: Scry, asked: Question, fused: list[Fused], store: Store) -> list[Hit]:
    """The best `limit` that are alive and good enough.

    All of them come from one reading of the store, so that no answer holds two versions of a document. An index may
    lag behind the store: when some of the winners are gone, those behind them are read too, in a new reading.
    """
    good = [one for one in fused if one.score >= request.min_score]
    chunks = store.chunks([one.id for one in good[: request.limit]])
    if len(chunks) < min(request.limit, len(good)):
        chunks = store.chunks([one.id for one in good])
    alive = [one for one in good if one.id in chunks]
    return [_hit(request, asked, one, chunks[one.id]) for one in alive[: request.limit]]


def _hit(request: Scry, asked: Question, fused: Fused, chunk: Chunk) -> Hit:
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
        snippet=snippet(chunk.text, request.query),
        previous=chunk.previous,
        next=chunk.next,
        arms=fused.arms,
        matched=matched(request.query or asked.text, chunk.text) if request.explain else None,
    )
