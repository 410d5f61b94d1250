"""One question, asked of several collections at once.

The question is embedded once a model, each collection ranks in its own thread, rankings of one arm and one model are
merged by score, the arms are fused by rank, and the store hands over the winners that are still alive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from patina.config import PipelineSettings
from patina.retrieval import degrade
from patina.retrieval.fusion import Fused, fuse
from patina.retrieval.question import Run, question
from patina.retrieval.ranking import LEXICAL, Panel
from patina.retrieval.snippet import snippet
from patina.retrieval.subject import Subject, subject_of
from patina.retrieval.trust import BEST_CANDIDATES, trust
from patina.retrieval.why import why
from patina.retrieval.words import Words
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Chunk, Ranking
from patina.wire import Hit, Hits, Scry


class _Verdict(NamedTuple):
    """What a question's rankings come to."""

    weights: dict[str, float]
    order: list[Fused]
    hits: list[Hit]
    degraded: str | None


async def search(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> Hits:
    """Answer a question that has been checked against its limits."""
    started = time.perf_counter()
    subject: Subject | None = await run(subject_of, request.why, collections, store) if request.why else None
    asked = await question(request, collections, store, run)
    panel = Panel(request, asked, collections, store, run)
    rankings = await panel.rankings(panel.window)
    verdict: _Verdict = await run(_verdict, panel, rankings)
    return Hits(
        hits=verdict.hits,
        degraded=verdict.degraded,
        why=await why(subject, panel, verdict.order, verdict.hits) if subject else None,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        embed_ms=asked.embed_ms,
        weights=verdict.weights,
    )


def _verdict(panel: Panel, rankings: list[Ranking]) -> _Verdict:
    """All in one go on one thread: a change of threads costs as much as a step does."""
    settings = panel.collections[0].settings if panel.collections else PipelineSettings()
    words = Words(panel.request.query or panel.question.text)
    weights = _weights(panel, rankings, settings, words)
    order = fuse(rankings, weights, k=settings.rrf_k, weights=weights)
    hits = _hits(panel, order, words)
    degraded = degrade.sentence(panel.request.mode, panel.collections, panel.store, panel.question.failure)
    return _Verdict(weights, order, hits, degraded)


def _weights(panel: Panel, rankings: list[Ranking], settings: PipelineSettings, words: Words) -> dict[str, float]:
    """What each arm's vote counts: what is configured, and for a hybrid answer how far to trust the words."""
    weights = {ranking.arm: settings.weights.get(ranking.arm, 1.0) for ranking in rankings}
    if panel.request.mode == "hybrid" and settings.adapt_weights and len(weights) > 1 and LEXICAL in weights:
        best = [c.id for ranking in rankings if ranking.arm == LEXICAL for c in ranking.candidates[:BEST_CANDIDATES]]
        weights[LEXICAL] *= trust(words, (chunk.text for chunk in panel.store.chunks(best).values()))
    return weights


def _hits(panel: Panel, order: list[Fused], words: Words) -> list[Hit]:
    """The best `limit` that are alive and good enough.

    All of them come from one reading of the store, so that no answer holds two versions of a document. An index may
    lag behind the store: when some of the winners are gone, those behind them are read too, in a new reading.
    """
    request, store = panel.request, panel.store
    good = [one for one in order if one.score >= request.min_score]
    chunks = store.chunks([one.id for one in good[: request.limit]])
    if len(chunks) < min(request.limit, len(good)):
        chunks = store.chunks([one.id for one in good])
    alive = [one for one in good if one.id in chunks]
    return [_hit(request, words, one, chunks[one.id]) for one in alive[: request.limit]]


def _hit(request: Scry, words: Words, fused: Fused, chunk: Chunk) -> Hit:
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
        snippet=snippet(chunk.text, words if request.query else None),
        previous=chunk.previous,
        next=chunk.next,
        arms=fused.arms,
        matched=words.matched(chunk.text) if request.explain else None,
    )
