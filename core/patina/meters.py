"""Numbers that a part of Patina keeps of itself, for whoever watches it. Any thread may add to them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from itertools import accumulate
from typing import TypeAlias

Labels: TypeAlias = tuple[str, ...]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of a histogram's buckets; one more has what is above."""
MAX_PLACES = 1_000
"""Of one meter; values of labels that come after share one place."""


class Counter:
    """Counts by the values of its labels, which are given in their order."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {}

    def add(self, *values: str, amount: float = 1.0) -> None:
        with self._lock:
            place = values if values in self._values or len(self._values) < MAX_PLACES else ("other",) * len(values)
            self._values[place] = self._values.get(place, 0.0) + amount

    def read(self) -> dict[Labels, float]:
        with self._lock:
            return dict(self._values)


class Histogram:
    """How many took how long, by the values of its labels."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def note(self, seconds: float, *values: str) -> None:
        with self._lock:
            place = values if values in self._sums or len(self._sums) < MAX_PLACES else ("other",) * len(values)
            self._sums[place] = self._sums.get(place, 0.0) + seconds
            self._counts.setdefault(place, [0] * (len(SECONDS) + 1))[bisect_left(SECONDS, seconds)] += 1

    def read(self) -> dict[Labels, tuple[float, list[int]]]:
        """The sum in seconds, and how many there were up to each bound of `SECONDS` and, last, at all."""
        with self._lock:
            return {place: (self._sums[place], list(accumulate(self._counts[place]))) for place in self._sums}
