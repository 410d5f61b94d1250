"""Copies of the whole store."""

from __future__ import annotations

from pathlib import Path

import apsw

from patina.durable import unfinished


def copy(connection: apsw.Connection, target: Path) -> None:
    """Lay a copy of the last commit at `target`. Raises `OSError` and SQLite's errors, and leaves nothing then."""
    with unfinished(target) as file:
        connection.execute("VACUUM INTO ?", (str(file),))
