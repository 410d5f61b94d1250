"""SQLite's and the system's complaints, as sentences with a next step."""

from __future__ import annotations

import errno
from typing import NamedTuple

import apsw

from patina.errors import Corrupt, Failed, PatinaError, StorageFailed, StorageFull, Unavailable


class _Meaning(NamedTuple):
    error: type[PatinaError]
    sentence: str
    hint: str = ""

    def about(self, where: str, error: object) -> PatinaError:
        return self.error(self.sentence.format(where=where, error=error), hint=self.hint)


# None of these loses what was acknowledged, and a write that meets one leaves nothing behind.
_FULL = _Meaning(
    StorageFull,
    "The disk is full: the store {where} could not be written, and nothing in it was changed.",
    "Free some space, then repeat the write; searching goes on meanwhile.",
)
_READ_ONLY = _Meaning(
    StorageFailed,
    "The store {where} cannot be written: it, its folder or its disk is read-only.",
    "Make it writable for this user, then repeat the write; searching goes on meanwhile.",
)
_CLOSED = _Meaning(
    StorageFailed,
    "The store {where} cannot be opened: {error}.",
    "Look whether it and its folder may be read and written by this user, and have room.",
)
_FAILING = _Meaning(
    StorageFailed,
    "The disk failed under the store {where} ({error}).",
    "Look for the disk's errors in the system's log, then repeat what failed; searching goes on meanwhile.",
)
_DAMAGED = _Meaning(
    Corrupt,
    "The store {where} is damaged ({error}).",
    "Keep a copy of it, move it away and index again; `patina verify --full` names what else is damaged.",
)
_INTERRUPTED = _Meaning(Unavailable, "The store {where} was closed meanwhile.")
_OTHERWISE = _Meaning(Failed, "The store {where} refused ({error}).")

_BY_KIND: tuple[tuple[type[apsw.Error], _Meaning], ...] = (
    (apsw.FullError, _FULL),
    (apsw.ReadOnlyError, _READ_ONLY),
    (apsw.PermissionsError, _READ_ONLY),
    (apsw.CantOpenError, _CLOSED),
    (apsw.IOError, _FAILING),
    (apsw.CorruptError, _DAMAGED),
    (apsw.NotADBError, _DAMAGED),
    (apsw.InterruptError, _INTERRUPTED),
    (apsw.ConnectionClosedError, _INTERRUPTED),
)
_BY_NUMBER = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EROFS: _READ_ONLY}


def explained(error: apsw.Error, where: str, number: int = 0) -> PatinaError:
    """What SQLite's error means for the store at `where`; `number` is the system's of the last input or output."""
    meaning = next((one for kind, one in _BY_KIND if isinstance(error, kind)), _OTHERWISE)
    if meaning in {_FAILING, _CLOSED}:
        meaning = _BY_NUMBER.get(number, meaning)
    return meaning.about(where, error)


def explained_file(error: OSError, where: str, opening: bool = False) -> PatinaError:
    """Likewise, of a complaint of the system's own."""
    meaning = _BY_NUMBER.get(error.errno or 0, _CLOSED if opening else _FAILING)
    return meaning.about(where, error.strerror)
