"""When to make changes visible: soon, but not one by one."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_S = 0.05
"""Changes become visible when none has come for this long …"""
LONGEST_S = 0.5
"""… or when the first of them is this old."""
RETRY_S = 5.0
"""What could not be made visible is tried again this much later, or with the next change."""
REST_S = 5.0
"""With nothing to do for this long, resources are given back and the thread ends."""


class Pace:
    """Calls `publish` a moment after changes, again if it says no, and `rest` after a quiet while.

    The thread lives only in between. Both are called with `changed`, the owner's condition, held.
    """

    def __init__(
        self, name: str, changed: threading.Condition, publish: Callable[[], bool], rest: Callable[[], None]
    ) -> None:
        self._name = name
        self._changed = changed
        self._publish = publish
        self._rest = rest
        self._thread: threading.Thread | None = None
        self._closed = False
        self._first: float | None = None
        self._last = 0.0

    def touch(self) -> None:
        """There are changes. Call with `changed` held."""
        self._last = monotonic()
        if self._first is None:
            self._first = self._last
            self._changed.notify_all()
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def done(self) -> None:
        """The owner has published by itself. Call with `changed` held."""
        self._first = None

    def close(self) -> None:
        """End the thread, publishing nothing more. Call without `changed`."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            try:
                self._publish_until_quiet()
                self._rest()
            finally:
                self._thread = None

    def _publish_until_quiet(self) -> None:
        while not self._closed:
            wait_s = self._due() - monotonic()
            if wait_s > 0:
                self._changed.wait(wait_s)
            elif self._first is not None:
                self._first = None
                if not self._publish():
                    self._first = self._last = monotonic() + RETRY_S
            else:
                return

    def _due(self) -> float:
        return self._last + REST_S if self._first is None else min(self._last + IDLE_S, self._first + LONGEST_S)
