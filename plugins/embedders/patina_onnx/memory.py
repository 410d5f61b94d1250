"""Memory that was freed, back to the system."""

import ctypes
import sys


def give_back() -> None:
    """glibc keeps most of what a model leaves behind, unless it is asked."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
