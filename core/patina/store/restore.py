"""A backup in the place of the store: looked over first, put there in one step, and what was there before is kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import apsw

from patina.durable import private_file, sync, sync_folder
from patina.errors import Corrupt, InvalidRequest
from patina.store import schema, wal
from patina.store.complaints import explained_file

UNFINISHED = ".unfinished"
BEFORE = ".before-restore"
_HEADER = b"SQLite format 3\0"
_REFUSED = "Nothing was changed. Restore what `patina backup` wrote, unchanged."


def restore(backup: Path, target: Path) -> Path | None:
    """Make `target` what the backup is; returns where the store before is kept, None if there was none.

    Nobody may have the store open, which the home's lock sees to. Raises `InvalidRequest` when there is no such file,
    `Corrupt` when it is not a whole store that this version reads, `StorageFull` and `StorageFailed`; then nothing has
    changed.
    """
    copied = target.with_name(f"{target.name}{UNFINISHED}")
    try:
        _copy(backup, copied)
        _check(copied, backup)
        kept = _keep(target)
        copied.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise explained_file(error, str(target)) from error
    finally:
        for name in (copied, wal.beside(copied), copied.with_name(f"{copied.name}-shm")):
            name.unlink(missing_ok=True)
    return kept


def _copy(backup: Path, copied: Path) -> None:
    """The very bytes that are going to be checked, safe on the disk."""
    if not backup.is_file():
        raise InvalidRequest(f"There is no file {backup}.", hint="Check the spelling.", param="file")
    copied.unlink(missing_ok=True)
    private_file(copied)
    with backup.open("rb") as source, copied.open("wb") as made:
        shutil.copyfileobj(source, made, 1 << 20)
        made.flush()
        sync(made.fileno())


def _check(copied: Path, backup: Path) -> None:
    """Raise `Corrupt` unless it is a whole store, of this version's format or an older one."""
    with copied.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            raise Corrupt(f"{backup} is no backup of Patina.", hint=_REFUSED)
    given = copied.stat().st_size  # what is written to it below may round that up
    try:
        connection = apsw.Connection(str(copied), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.pragma("journal_mode", "delete")  # one that was copied by hand expects a log of writes
            made_by, found = connection.pragma("application_id"), connection.pragma("user_version")
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            size = connection.pragma("page_count") * connection.pragma("page_size")
        finally:
            connection.close()
    except apsw.Error as error:
        raise Corrupt(f"{backup} is damaged or cut short ({error}).", hint=_REFUSED) from error
    if made_by != schema.APPLICATION_ID:
        raise Corrupt(f"{backup} is no backup of Patina.", hint=_REFUSED)
    if found > schema.FORMAT:
        raise Corrupt(
            f"{backup} has format {found}, which is newer than this version's {schema.FORMAT}.",
            hint="Nothing was changed. Install the newer Patina again.",
        )
    if size != given:
        raise Corrupt(f"{backup} is cut short.", hint=_REFUSED)
    if said != ["ok"]:
        raise Corrupt(f"{backup} is damaged: {said[0]}.", hint=_REFUSED)


def _keep(target: Path) -> Path | None:
    """Give the store that is there a second name, log of writes and all, and take that log from under its first.

    A log that stayed would be taken for the new store's. Where the old store is sound it is moved into the file first;
    so whenever this ends in the middle, the old store is whole under its own name.
    """
    if not target.exists():
        wal.beside(target).unlink(missing_ok=True)
        return None
    _empty_log(target)
    kept = target.with_name(f"{target.name}{BEFORE}")
    for old, name in ((wal.beside(target), wal.beside(kept)), (target, kept)):
        name.unlink(missing_ok=True)
        if old.exists():
            os.link(old, name)
    sync_folder(target.parent)
    for beside in (wal.beside(target), target.with_name(f"{target.name}-shm")):
        beside.unlink(missing_ok=True)
    return kept


def _empty_log(target: Path) -> None:
    try:
        connection = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.pragma("schema_version")  # one that has read nothing has no log yet
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()
    except apsw.Error:
        pass  # a damaged store is kept as it is
