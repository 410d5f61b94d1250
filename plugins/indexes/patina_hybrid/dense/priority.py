"""Threads that give way to those that answer."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICENESS = 5
"""How much is added to the thread's niceness: beside a busy thread it gets about a quarter of a core."""


def step_back() -> None:
    """Let the scheduler prefer every other thread of the process to this one; where that is not known, nothing."""
    if sys.platform == "linux":  # elsewhere a niceness belongs to the whole process
        with suppress(OSError):
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + NICENESS)
