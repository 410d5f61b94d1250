"""Reciprocal rank fusion, for the systems that have none of their own."""

from __future__ import annotations

from collections.abc import Sequence

K = 60


def fused(*rankings: Sequence[int]) -> list[int]:
    """Every number that is ranked anywhere, best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (K + rank)
    return sorted(scores, key=lambda number: (-scores[number], number))
