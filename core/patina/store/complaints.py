"""SQLite's complaints, as sentences with a next step."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from patina.errors import Corrupt, Failed, PatinaError, Unavailable


class _Meaning(NamedTuple):
    complaints: tuple[type[apsw.Error], ...]
    error: type[PatinaError]
    sentence: str
    hint: str = ""


# None of these loses what was acknowledged, and a write that meets one leaves nothing behind.
_MEANINGS = (
    _Meaning(
        (apsw.FullError,),
        Failed,
        "The disk is full: the store {where} could not be written, and nothing in it was changed.",
        "Free some space, then repeat the write; searching goes on meanwhile.",
    ),
    _Meaning(
        (apsw.CorruptError, apsw.NotADBError),
        Corrupt,
        "The store {where} is damaged ({error}).",
        "Keep a copy of it, move it away and index again; `patina verify --full` names what else is damaged.",
    ),
    _Meaning(
        (apsw.ReadOnlyError, apsw.PermissionsError),
        Failed,
        "The store {where} cannot be written: it, its folder or its disk is read-only.",
        "Make it writable for this user, then repeat the write.",
    ),
    _Meaning(
        (apsw.CantOpenError,),
        Failed,
        "The store {where} cannot be opened ({error}).",
        "Look whether it and its folder may be read and written by this user.",
    ),
    _Meaning(
        (apsw.IOError,),
        Failed,
        "The disk failed under the store {where} ({error}).",
        "Look for the disk's errors in the system's log, then repeat what failed.",
    ),
    _Meaning((apsw.InterruptError, apsw.ConnectionClosedError), Unavailable, "The store {where} was closed meanwhile."),
)
_OTHERWISE = _Meaning((apsw.Error,), Failed, "The store {where} refused ({error}).")


def explained(error: apsw.Error, where: str) -> PatinaError:
    """What SQLite's error means for the store at `where`."""
    meaning = next((one for one in _MEANINGS if isinstance(error, one.complaints)), _OTHERWISE)
    return meaning.error(meaning.sentence.format(where=where, error=error), hint=meaning.hint)
