"""A model that fails again and again is left alone for a while, and tried with one text before all may come back."""

from __future__ import annotations

from collections.abc import Callable

from patina.errors import Unavailable

FAILURES = 5
"""In a row, of the model itself and not of a text."""
PAUSE_S = 10.0


class Breaker:
    """Not for several threads at once: whoever asks holds the queue's lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_from = 0.0

    @property
    def open(self) -> bool:
        """Whether nobody is let through, or only one who tries."""
        return self._failures >= FAILURES

    def check(self) -> None:
        """Raises `Unavailable` with when to come again; after the pause the first one passes, and tries for all."""
        if not self.open:
            return
        left_s = self._closed_from - self._clock()
        if left_s > 0:
            raise Unavailable(
                f"The model has failed {self._failures} times in a row, and is left alone for a moment.",
                hint="The daemon's log says why.",
                retry_after_s=left_s,
            )
        self._closed_from = self._clock() + PAUSE_S

    def note(self, *, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        if self.open:
            self._closed_from = self._clock() + PAUSE_S
