"""One question, asked of several collections at once.

The question is embedded once a model, each collection ranks in its own thread, rankings of one arm and one model are
merged by score, the arms are fused by rank, and the store hands over the winners that are still alive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from patina.config import PipelineSettings
from patina.models import Model
from patina.retrieval import degrade
from patina.retrieval.context import reconsidered
from patina.retrieval.fusion import Fused, fuse
from patina.retrieval.question import Run, question
from patina.retrieval.ranking import DENSE, LEXICAL, Panel
from patina.retrieval.snippet import snippet
from patina.retrieval.subject import Subject, subject_of
from patina.retrieval.trust import BEST_CANDIDATES, trust
from patina.retrieval.why import why
from patina.retrieval.words import Words
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Chunk, Ranking
from patina.wire import Hit, Hits, Scry

FIRST_PLACES = 10
"""Among these a document's best passage goes before any other's second, when the words of the question say little."""


class _Verdict(NamedTuple):
    """What a question's rankings come to."""

    weights: dict[str, float]
    order: list[Fused]
    hits: list[Hit]
    degraded: str | None
    wanting: Model | None = None
    """The model whose everyday mean is needed first."""


async def search(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> Hits:
    """Answer a question that has been checked against its limits."""
    started = time.perf_counter()
    subject: Subject | None = await run(subject_of, request.why, collections, store) if request.why else None
    asked = await question(request, collections, store, run)
    panel = Panel(request, asked, collections, store, run)
    rankings, verdict = await _judged(panel)
    if verdict.wanting:
        await verdict.wanting.learn_everyday()
        verdict = await run(_verdict, panel, rankings)
    return Hits(
        hits=verdict.hits,
        degraded=verdict.degraded,
        why=await why(subject, panel, verdict.order, verdict.hits) if subject else None,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        embed_ms=asked.embed_ms,
        weights=verdict.weights,
    )


async def _judged(panel: Panel) -> tuple[list[Ranking], _Verdict]:
    """With as few changes of threads as can be: each costs as much as a step does."""
    judged: tuple[list[Ranking], _Verdict]
    if len(panel.collections) == 1:
        judged = await panel.run(_judged_here, panel)
    else:
        rankings = await panel.rankings(panel.window)
        judged = rankings, await panel.run(_verdict, panel, rankings)
    return judged


def _judged_here(panel: Panel) -> tuple[list[Ranking], _Verdict]:
    rankings = panel.rankings_here(panel.window)
    return rankings, _verdict(panel, rankings)


def _verdict(panel: Panel, rankings: list[Ranking]) -> _Verdict:
    settings = panel.collections[0].settings if panel.collections else PipelineSettings()
    words = Words(panel.request.query or panel.question.text)
    weights = {ranking.arm: settings.weights.get(ranking.arm, 1.0) for ranking in rankings}
    trusted = _trusted(panel, rankings, words)
    model = panel.model if settings.use_context and trusted < 1.0 else None
    if model is not None and model.everyday is None:
        return _Verdict(weights, [], [], None, wanting=model)
    if settings.adapt_weights and LEXICAL in weights:
        weights[LEXICAL] *= trusted
    if model is not None:
        rankings = [_reconsidered(panel, model, ranking) for ranking in rankings]
    order = fuse(rankings, weights, k=settings.rrf_k, weights=weights)
    hits = _hits(panel, order, words, once=model is not None)
    degraded = degrade.sentence(panel.request.mode, panel.collections, panel.store, panel.question.failure)
    return _Verdict(weights, order, hits, degraded)


def _trusted(panel: Panel, rankings: list[Ranking], words: Words) -> float:
    """How far to trust the words of a question, from 0 to 1; 1 where nothing else answers it."""
    arms = {ranking.arm for ranking in rankings}
    if panel.request.mode != "hybrid" or LEXICAL not in arms or len(arms) == 1:
        return 1.0
    best = [c.id for ranking in rankings if ranking.arm == LEXICAL for c in ranking.candidates[:BEST_CANDIDATES]]
    return trust(words, (chunk.text for chunk in panel.store.chunks(best).values()))


def _reconsidered(panel: Panel, model: Model, ranking: Ranking) -> Ranking:
    [question] = panel.question.vectors.values()
    if ranking.arm != DENSE or model.everyday is None:
        return ranking
    return reconsidered(ranking, question, model.everyday, panel.store)


def _hits(panel: Panel, order: list[Fused], words: Words, *, once: bool) -> list[Hit]:
    """The best `limit` that are alive and good enough; with `once` a document's second passages follow its first ten.

    All of them come from one reading of the store, so that no answer holds two versions of a document. An index may
    lag behind the store: when some of the winners are gone, those behind them are read too, in a new reading.
    """
    request, store = panel.request, panel.store
    wanted = max(request.limit, FIRST_PLACES) if once else request.limit
    good = [one for one in order if one.score >= request.min_score]
    chunks = store.chunks([one.id for one in good[:wanted]])
    if len(chunks) < min(wanted, len(good)):
        chunks = store.chunks([one.id for one in good])
    alive = [one for one in good if one.id in chunks]
    if once:
        alive = _each_once([chunks[one.id] for one in alive[:FIRST_PLACES]], alive)
    return [_hit(request, words, one, chunks[one.id]) for one in alive[: request.limit]]


def _each_once(first: list[Chunk], order: list[Fused]) -> list[Fused]:
    """The same order, but that among the first places the best passage of each document comes before the others."""
    documents: set[tuple[str, str]] = set()
    again = []
    for chunk in first:
        again.append((chunk.repo, chunk.path) in documents)
        documents.add((chunk.repo, chunk.path))
    places = sorted(range(len(first)), key=again.__getitem__)
    return [order[place] for place in places] + order[len(first) :]


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
