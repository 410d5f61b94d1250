"""How fast a stage goes and how long it will take."""

from __future__ import annotations

import time

from patina.wire import Progress


class Pace:
    """Turns counts into `Progress`: the rate is the mean since the stage began."""

    def __init__(self, repo: str, stage: str, done: int = 0) -> None:
        self._repo = repo
        self._stage = stage
        self._first = done
        self._started = time.monotonic()

    def progress(self, done: int, total: int | None) -> Progress:
        elapsed = time.monotonic() - self._started
        rate = (done - self._first) / elapsed if elapsed > 0 else 0.0
        eta_s = (total - done) / rate if total is not None and rate > 0 else None
        return Progress(repo=self._repo, stage=self._stage, done=done, total=total, rate=rate, eta_s=eta_s)
