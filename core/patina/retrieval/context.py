"""When a question's words say little, passages are judged together with the document that they stand in.

What a passage is about is often said elsewhere in its file, and a model's question vectors share a direction that says
nothing of what is asked. So the passages that lie nearest are ranked a second time, by (q - 0.8 b) · (v + m) with v + m
brought to length one: q is the question, b the mean of everyday questions, v the passage, m the mean of its document.
Both rankings are then fused by reciprocal rank. Chosen on `benchmarks/paraphrases.toml`; see docs/decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina.retrieval.fusion import fuse
from patina.store import Store
from patina.types import Ranking

if TYPE_CHECKING:
    from patina.types import Vector

EVERYDAY_SHARE = 0.8
"""How much of the everyday mean is taken away from the question."""
RECONSIDERED = 50
"""The first so many passages of a ranking are ranked again; the rest stay behind them as they were."""
OF_A_DOCUMENT = 16
"""Passages that stand for a document."""


def reconsidered(ranking: Ranking, question: Vector, everyday: Vector, store: Store) -> Ranking:
    """The dense ranking in its new order. Candidates keep the scores that their arm gave them."""
    first, rest = ranking.candidates[:RECONSIDERED], ranking.candidates[RECONSIDERED:]
    scores = _scores([candidate.id for candidate in first], question - EVERYDAY_SHARE * everyday, store)
    again = sorted(first, key=lambda candidate: (-scores.get(candidate.id, -1.0), candidate.id))
    by_id = {candidate.id: candidate for candidate in first}
    fused = fuse([Ranking("alone", first), Ranking("in context", again)], asked=())
    return Ranking(ranking.arm, [*(by_id[one.id] for one in fused), *rest])


def _scores(ids: list[str], question: Vector, store: Store) -> dict[str, float]:
    near = store.surroundings(ids, OF_A_DOCUMENT)
    if not near.vectors:
        return {}
    means = {number: _rows(sample).mean(axis=0) for number, sample in near.sample.items()}
    joined = _rows(list(near.vectors.values())) + np.stack([means[near.document[id]] for id in near.vectors])
    scores = (joined @ question) / np.linalg.norm(joined, axis=1)
    return dict(zip(near.vectors, scores.tolist(), strict=True))


def _rows(raw: list[bytes]) -> Vector:
    return np.frombuffer(b"".join(raw), "<f4").reshape(len(raw), -1)
