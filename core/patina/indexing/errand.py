"""On whose behalf a run is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeAlias

from patina.ingest.pipeline import Tally
from patina.wire import InputFailure

Turn: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


class Errand:
    """A job's, or, as it is made by default, nobody's: then nothing is marked, and there is no turn to wait for.

    job: the number of the row in which every write marks how far it is; cursor: where an earlier attempt came to.
    turn: entered once the collection is free, and held for as long as it is worked on.
    """

    def __init__(self, job: int | None = None, cursor: str | None = None, turn: Turn = nullcontext) -> None:
        self.job = job
        self.turn = turn
        self.tallies: list[Tally] = []
        """Of the collections that it has come to so far."""
        self._cursor = cursor

    @property
    def cursor(self) -> str | None:
        """How far it is for good."""
        reached = (tally.cursor for tally in reversed(self.tallies) if tally.cursor is not None)
        return next(reached, self._cursor)

    @property
    def failed(self) -> list[InputFailure]:
        return [failure for tally in self.tallies for failure in tally.failed]
