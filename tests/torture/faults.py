"""The calls by which a process changes files, counted by `faults.c`; one of them kills the process, or fails."""

from __future__ import annotations

import ctypes
import os
import subprocess
from enum import IntFlag
from pathlib import Path

import msgspec

SOURCE = Path(__file__).with_name("faults.c")
FOR_EVER = 1 << 40


class Calls(IntFlag):
    """Kinds of calls that are counted."""

    SYNC = 1
    """fsync, fdatasync"""
    NAME = 2
    """rename, link, unlink"""
    SIZE = 4
    """ftruncate"""
    WRITE = 8
    """write, writev, pwrite64, pwritev"""

    SYNC_POINTS = SYNC | NAME | SIZE
    ALL = SYNC_POINTS | WRITE


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happens at the call number `first`, and at those that follow it up to `last`."""

    library: str
    first: int = FOR_EVER
    last: int = FOR_EVER
    kinds: int = int(Calls.SYNC_POINTS)
    error: int = 0
    """An errno; 0: the process is killed."""
    below: str = ""
    """Only calls on this file or folder of the home are counted; empty: all of it."""


def build(into: Path) -> Path:
    """Compile the library that a process loads to count its own calls."""
    library = into / "faults.so"
    compiler = os.environ.get("CXX", "c++")
    options = ["-x", "c", "-O1", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", str(library), str(SOURCE)], check=True)
    return library


class Armed:
    """The counting in this process: once begun it goes on to the end."""

    def __init__(self, folder: Path, fault: Fault, note_to: int) -> None:
        """Count the calls in the home `folder`. The first that meets the fault is told to the descriptor `note_to`."""
        self._library = ctypes.CDLL(fault.library)
        self._library.torture_calls.restype = self._library.torture_met.restype = ctypes.c_long
        self._library.torture_arm.argtypes = [
            *(ctypes.c_char_p, ctypes.c_int, ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_int)
        ]
        below = os.fsencode(folder / fault.below)
        error = self._library.torture_arm(below, fault.kinds, fault.first, fault.last, fault.error, note_to)
        if error:
            raise OSError(error, os.strerror(error))

    def disarm(self) -> None:
        """No call fails any more, and none is counted."""
        self._library.torture_disarm()

    @property
    def calls(self) -> int:
        """Counted so far."""
        return int(self._library.torture_calls())

    @property
    def met(self) -> int:
        """How many of them met the fault."""
        return int(self._library.torture_met())
