"""Root without the privilege to pass by the modes of files, for a while: its own thread, and what that starts."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BOUND_BY_MODES = "BOUND_BY_MODES"
"""Set in the environment while that is so: no process that was started before is of use then."""
VERSION_3 = 0x20080522
PASS_BY_MODES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
SET_SECUREBITS = 28
NOROOT = 1
"""A program that is started has no more privileges for being started by root."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Skips the test where the kernel is not Linux or does not let us."""
    system = ctypes.CDLL(None, use_errno=True)
    header, both = _Header(VERSION_3, 0), (_Capabilities * 2)()  # the second is for privileges numbered 32 and above
    if not hasattr(system, "capset") or system.capget(ctypes.byref(header), both):
        pytest.skip("tests of file modes need an ordinary user, or a root who can do without privileges")
    before = both[0].effective
    both[0].effective &= ~PASS_BY_MODES
    if system.prctl(SET_SECUREBITS, NOROOT, 0, 0, 0) or system.capset(ctypes.byref(header), both):
        pytest.skip("this root may not lay privileges down")
    try:
        yield
    finally:
        both[0].effective = before
        system.capset(ctypes.byref(header), both)
        system.prctl(SET_SECUREBITS, 0, 0, 0, 0)
