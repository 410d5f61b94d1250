"""Is the store sound? A look at the start, when it was not closed properly or is small enough to cost nothing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from patina.errors import PatinaError
from patina.store import Store
from patina.types import Fault

log = logging.getLogger(__name__)

SMALL_BYTES = 64 << 20
"""Up to here a store is always looked at."""
SHOWN = 3
"""Faults that `status` tells."""


class Soundness:
    """What the look has found."""

    def __init__(self, store: Store, run: Callable[..., Awaitable[Any]]) -> None:
        self.faults: list[Fault] = []
        self._store = store
        self._run = run

    async def look(self) -> None:
        """While answers are given already: it is reading, and a large store takes its time."""
        if self._store.recovered:
            log.warning("%s", self._store.recovered)
        if self._store.recovered or await self._run(self._small):
            try:
                self.faults = await self._run(self._store.check, False)
            except PatinaError as error:
                self.faults = [Fault("store", error.message, error.hint)]
        for fault in self.faults:
            log.error("%s: %s %s", fault.where, fault.what, fault.repair)

    @property
    def notes(self) -> list[str]:
        return [f"Damaged: {fault.where}: {fault.what} {fault.repair}" for fault in self.faults[:SHOWN]]

    def _small(self) -> bool:
        path = self._store.path
        return path is not None and path.stat().st_size <= SMALL_BYTES
