"""Reciprocal rank fusion: one list from several rankings whose scores cannot be compared.

Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
SIGIR 2009: a candidate's score is the sum over rankings of weight / (k + rank), with ranks from 1 and k = 60.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping

import msgspec

from patina.types import Candidate, Ranking
from patina.wire import ArmScore


class Fused(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate after fusion. `score` is `rrf` as a share of the best that the asked arms could give."""

    id: str
    rrf: float
    score: float
    arms: dict[str, ArmScore]


def merge(rankings: Iterable[Ranking], arm: str, window: int) -> Ranking:
    """One ranking of the rankings of one arm whose scores are comparable; ties by id."""
    lists = [[(-c.score, c.id) for c in ranking.candidates] for ranking in rankings]
    ordered = heapq.merge(*(sorted(pairs) for pairs in lists))
    best = [Candidate(id, -negated) for negated, id in ordered]
    return Ranking(arm, best[:window])


def fuse(
    rankings: Iterable[Ranking], asked: Collection[str], *, k: int = 60, weights: Mapping[str, float] | None = None
) -> list[Fused]:
    """Fuse by weighted reciprocal rank, best first, ties by id.

    asked: the arms that could have answered, each once; an empty one still counts towards the best possible score.
    weights: by arm, 1 where missing.
    """
    weigh = weights or {}
    votes: dict[str, list[float]] = {}
    arms: dict[str, dict[str, ArmScore]] = {}
    for ranking in rankings:
        weight = weigh.get(ranking.arm, 1.0)
        for rank, candidate in enumerate(ranking.candidates, start=1):
            votes.setdefault(candidate.id, []).append(weight / (k + rank))
            arms.setdefault(candidate.id, {})[ranking.arm] = ArmScore(rank=rank, score=candidate.score)
    best = sum(weigh.get(arm, 1.0) for arm in asked) / (k + 1) or 1.0
    # fsum: the same votes in another order must tie exactly, or the order of ids would not decide.
    rrf = {id: math.fsum(given) for id, given in votes.items()}
    fused = [Fused(id=id, rrf=total, score=total / best, arms=arms[id]) for id, total in rrf.items()]
    return sorted(fused, key=lambda one: (-one.rrf, one.id))
