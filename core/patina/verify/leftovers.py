"""Files that a write left behind when it was interrupted. They do no harm, and nobody will ever look at them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from patina.types import Fault

TEMPORARY = (".tmp", ".new", ".unfinished")
"""How a file is called until it is complete."""


def leftovers(folders: Iterable[Path], before: float) -> list[Fault]:
    """A fault for each unfinished file that was last written before a moment (Unix time): its writer has ended."""
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEMPORARY]
    return [
        Fault(where=str(path), what="A write was interrupted and left this file.", repair="Remove it.")
        for path in sorted(found)
        if _written(path) < before
    ]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # just now it became a whole file
        return float("inf")
