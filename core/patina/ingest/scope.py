"""Which collection a path belongs to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from patina.config import find_project
from patina.errors import InvalidRequest, NotFound
from patina.ingest.walk import speaks_for
from patina.shelf import Shelf


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A collection to take files into: its name, its root, and the files and folders under the root to look at."""

    name: str
    root: Path
    starts: list[Path]


def places(paths: Sequence[str], name: str | None, shelf: Shelf) -> list[Place]:
    """Group absolute paths by collection, in the order given.

    With a name, all go to that collection; if it is new their common folder becomes its root. Without one, a path
    belongs to the collection whose root contains it, else to the enclosing project, else it makes its own.
    Raises `NotFound` for a path that does not exist, `InvalidRequest` for a clash of names.
    """
    starts = [_existing(path) for path in paths]
    if name is not None:
        return [_named(name, starts, shelf)]
    grouped: dict[tuple[str, Path], list[Path]] = {}
    for start in starts:
        grouped.setdefault(_home_of(start, shelf), []).append(start)
    return [Place(name=name, root=root, starts=_outermost(group)) for (name, root), group in grouped.items()]


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise InvalidRequest(f"{text} is not an absolute path.", hint="Send absolute paths.", param="paths")
    if not path.exists():
        raise NotFound(f"{text} does not exist.", hint="Check the spelling.", param="paths")
    return path.resolve()


def _named(name: str, starts: list[Path], shelf: Shelf) -> Place:
    known = shelf.find(name)
    if known is None:
        return Place(name=name, root=_common_folder(starts), starts=_outermost(starts))
    root = Path(known.record.root) if known.record.root else None
    for start in starts:
        if root is None or not start.is_relative_to(root):
            where = f"has its root at {root}" if root else "holds documents that were handed over as data"
            raise InvalidRequest(
                f"Collection {name!r} {where}, and {start} is not below that.",
                hint="Choose another name with --name.",
                param="name",
            )
    return Place(name=name, root=root or starts[0], starts=_outermost(starts))


def _home_of(start: Path, shelf: Shelf) -> tuple[str, Path]:
    """Name and root of the collection that a path belongs to."""
    around = [one for one in shelf.all if one.record.root and start.is_relative_to(one.record.root)]
    if around:
        nearest = max(around, key=lambda one: len(one.record.root))
        return nearest.name, Path(nearest.record.root)
    folder = start if start.is_dir() else start.parent
    project = find_project(folder)
    root = project if project is not None and speaks_for(project, start) else folder
    name = root.name or "root"
    known = shelf.find(name)
    if known is not None:
        raise InvalidRequest(
            f"A collection {name!r} exists already, with its root at {known.record.root or 'no folder'}.",
            hint="Give this one a name with --name.",
            param="name",
        )
    return name, root


def _common_folder(starts: list[Path]) -> Path:
    common = Path(os.path.commonpath([str(start) for start in starts]))
    return common if common.is_dir() else common.parent


def _outermost(starts: list[Path]) -> list[Path]:
    """Without paths that lie below another one."""
    kept: list[Path] = []
    for start in sorted(set(starts), key=lambda path: len(path.parts)):
        if not any(start.is_relative_to(other) for other in kept):
            kept.append(start)
    return kept
