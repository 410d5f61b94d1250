"""Putting a backup in the place of the store, for which nobody may have the home open."""

from __future__ import annotations

import shutil
from pathlib import Path

from patina.config import Config, prepare_home
from patina.lock import HomeLock
from patina.store.restore import restore as replace_store


def restore(config: Config, backup: Path) -> Path | None:
    """Make the home's store what a backup is; returns where the one before is kept, if there was one.

    Indexes are dropped, and derived again at the next start. Raises `Locked` when somebody has the home open, `Corrupt`
    and `InvalidRequest` for a file that is no whole backup: then nothing has changed.
    """
    prepare_home(config)
    lock = HomeLock(config.home)
    lock.acquire()
    try:
        kept = replace_store(backup, config.data / "patina.db")
        shutil.rmtree(config.cache / "indexes", ignore_errors=True)
    finally:
        lock.release()
    return kept
