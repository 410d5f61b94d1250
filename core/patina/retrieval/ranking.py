"""Every collection ranks in its own thread; what can be compared by score is merged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from patina.models import Model
from patina.retrieval.fusion import merge
from patina.retrieval.question import Question, Run
from patina.shelf import Shelved
from patina.store import Store
from patina.types import Query, Ranking
from patina.wire import Scry

DENSE = "dense"
LEXICAL = "lexical"
ARMS = {"hybrid": None, "semantic": (DENSE,), "lexical": (LEXICAL,), "file": None}
MIN_WINDOW = 50
WINDOW_PER_HIT = 5


class Panel(NamedTuple):
    """The collections that one request is put to."""

    request: Scry
    question: Question
    collections: Sequence[Shelved]
    store: Store
    run: Run

    @property
    def window(self) -> int:
        """How many passages each arm of a collection lists, unless it is asked for more."""
        return max(MIN_WINDOW, WINDOW_PER_HIT * self.request.limit)

    @property
    def model(self) -> Model | None:
        """The one model that the question was embedded with; None for none, or several."""
        if len(self.question.vectors) != 1:
            return None
        [identity] = self.question.vectors
        return next((one.model for one in self.collections if one.record.identity == identity), None)

    async def rankings(self, window: int) -> list[Ranking]:
        """One for each arm, index and model; what the filter does not admit is in none of them."""
        ranked = (self.run(self._rank, one, window) for one in self.collections)
        return self._merged(await asyncio.gather(*ranked), window)

    def rankings_here(self, window: int) -> list[Ranking]:
        """The same on this thread, one collection after the other."""
        return self._merged([self._rank(one, window) for one in self.collections], window)

    def _merged(self, ranked: Sequence[list[Ranking]], window: int) -> list[Ranking]:
        answers = list(zip(self.collections, ranked, strict=True))
        return _by_arm(answers, window * max(1, len(self.collections)))

    def _rank(self, one: Shelved, window: int) -> list[Ranking]:
        request, asked = self.request, self.question
        vector = asked.vectors.get(one.record.identity)
        arms = ARMS[request.mode]
        if arms == (DENSE,) and (vector is None or not self.store.counts(one.name).embedded):
            arms = None  # no vectors to compare with: words are the next best, and `degraded` says so
        query = Query(
            text=asked.text,
            vector=vector,
            window=window + len(asked.leave_out),
            only=self.store.select(one.name, request.filter) if request.filter else None,
            arms=arms,
        )
        return [_without(ranking, asked.leave_out) for ranking in one.index.rank(query)]


def _without(ranking: Ranking, ids: frozenset[str]) -> Ranking:
    if not ids:
        return ranking
    return Ranking(ranking.arm, [candidate for candidate in ranking.candidates if candidate.id not in ids])


def _by_arm(answers: list[tuple[Shelved, list[Ranking]]], window: int) -> list[Ranking]:
    """Merge what can be compared by score: the same arm of the same index, and for vectors of the same model."""
    groups: dict[tuple[str, str, str], list[Ranking]] = {}
    for one, found in answers:
        for ranking in found:
            model = "" if ranking.arm == LEXICAL else one.record.identity
            groups.setdefault((ranking.arm, one.record.index, model), []).append(ranking)
    return [merge(group, arm, window) for (arm, _, _), group in sorted(groups.items())]
