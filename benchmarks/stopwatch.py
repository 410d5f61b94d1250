"""Wall and CPU time, and what they come to over several rounds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from types import TracebackType

import numpy as np


class Stopwatch:
    """``with Stopwatch() as watch:`` then `wall_s`, and `cpu_s` of all threads of this process."""

    def __enter__(self) -> Stopwatch:
        self.wall_s, self.cpu_s = math.nan, math.nan
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th."""
    p50, p99 = np.percentile(np.asarray(values), [50, 99])
    return float(p50), float(p99)
