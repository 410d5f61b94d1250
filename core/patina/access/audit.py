"""The audit log: who changed what, and when, a JSON object a line. It never holds a text, a question or a secret."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from patina import wire
from patina.access.scopes import is_change
from patina.errors import PatinaError
from patina.lock import private_folder

log = logging.getLogger(__name__)

FILE_NAME = "audit.log"
FILE_BYTES = 5_000_000
OLD_FILES = 3
MAX_NAMES = 20
"""Collections that one line names."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line."""

    time: str
    """In UTC, to the millisecond."""
    origin: str
    """The door: "http", "unix", "cli"."""
    who: str
    """The key's id, or the peer."""
    action: str
    """The request's name, as `op` has it; or, refused by its route already, its path."""
    outcome: str
    """"done", "cancelled", or the code of the error."""
    collections: list[str] = []
    subject: str = ""
    """What else it was done to: the id of a key."""
    request_id: str = ""


class AuditLog:
    """Appends to logs/audit.log of a home, mode 0600, which is put aside when it is large; three old ones are kept.

    Each line opens the file anew: several processes may write, and none keeps hold of one that was put aside.
    """

    def __init__(self, home: Path, file_bytes: int = FILE_BYTES) -> None:
        self.path = home / "logs" / FILE_NAME
        self._file_bytes = file_bytes

    def note_request(self, request: wire.Request[Any], caller: wire.Caller, error: BaseException | None) -> None:
        """Write a line if the request is one that changes something."""
        if not is_change(request):
            return
        self.note(
            caller.origin,
            caller.name,
            _action(request),
            outcome_of(error),
            collections=_collections(request),
            request_id=caller.request_id,
        )

    def note(self, origin: str, who: str, action: str, outcome: str = "done", **more: Any) -> None:
        """Write a line; `more` are the other fields of `Entry`. A disk that cannot take it is told to the log."""
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        entry = Entry(time=now, origin=origin, who=who, action=action, outcome=outcome, **more)
        try:
            self._append(msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            log.error("The audit log cannot be written: %s.", error.strerror)

    def _append(self, line: bytes) -> None:
        private_folder(self.path.parent)
        file = self._opened()
        try:
            if os.fstat(file).st_size + len(line) > self._file_bytes:
                self._put_aside()
                os.close(file)
                file = self._opened()
            os.write(file, line)
        finally:
            os.close(file)

    def _opened(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def _put_aside(self) -> None:
        names = [self.path, *(self.path.with_name(f"{FILE_NAME}.{number}") for number in range(1, OLD_FILES + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)


def outcome_of(error: BaseException | None) -> str:
    """An error's code; "done" for None. Whatever else ends a request is the caller's leaving."""
    if error is None:
        return "done"
    if isinstance(error, PatinaError):
        return error.code
    return "failed" if isinstance(error, Exception) else "cancelled"


def _action(request: wire.Request[Any]) -> str:
    """ "delete"; of what begins a job also which: "start index"."""
    tag = str(type(request).__struct_config__.tag)
    return f"{tag} {_action(request.work)}" if isinstance(request, wire.Start) else tag


def _collections(request: Any) -> list[str]:
    """The names that a request bears, whichever field has them."""
    work = getattr(request, "work", request)
    names = [getattr(work, "repo", None), getattr(work, "name", None), *getattr(work, "repos", [])]
    return [name for name in names if name][:MAX_NAMES]
