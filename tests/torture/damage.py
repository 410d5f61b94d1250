"""Ways in which files go bad."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BLOCK = 4096
SECTOR = 512


class Target(NamedTuple):
    """The file to be damaged, and where it lay in an older state of the same folder."""

    path: Path
    older: Path
    siblings: tuple[Path, ...]
    """Other files of its kind."""


Damage = Callable[[Target, random.Random], bytes]


def torn(target: Target, dice: random.Random) -> bytes:
    """A write of which only some sectors have arrived."""
    raw = bytearray(target.path.read_bytes())
    for start in range(0, len(raw), SECTOR):
        if dice.random() < 0.5:
            raw[start : start + SECTOR] = dice.randbytes(len(raw[start : start + SECTOR]))
    return bytes(raw)


def flipped(target: Target, dice: random.Random) -> bytes:
    """One bit is another."""
    raw = bytearray(target.path.read_bytes())
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    return bytes(raw)


def flipped_head(target: Target, dice: random.Random) -> bytes:
    """One bit is another, where lengths and counts stand."""
    raw = bytearray(target.path.read_bytes())
    raw[dice.randrange(min(96, len(raw)))] ^= 1 << dice.randrange(8)
    return bytes(raw)


def zeroed(target: Target, dice: random.Random) -> bytes:
    """A block was never written."""
    raw = bytearray(target.path.read_bytes())
    start = dice.randrange(0, len(raw), BLOCK)
    raw[start : start + BLOCK] = bytes(len(raw[start : start + BLOCK]))
    return bytes(raw)


def truncated(target: Target, dice: random.Random) -> bytes:
    raw = target.path.read_bytes()
    return raw[: dice.randrange(len(raw))]


def swapped(target: Target, dice: random.Random) -> bytes:
    """Another file of its kind lies in its place."""
    return dice.choice(target.siblings).read_bytes() if target.siblings else b""


def outdated(target: Target, _dice: random.Random) -> bytes:
    """The file of an older state lies in its place."""
    return target.older.read_bytes() if target.older.exists() else target.path.read_bytes()


DAMAGES: tuple[Damage, ...] = (torn, flipped, flipped_head, zeroed, truncated, swapped, outdated)


def targets(indexes: Path, older: Path) -> list[Target]:
    """Every file that an index keeps. What lies in `live` is tantivy's workplace, made again at every start."""
    paths = [path for path in sorted(indexes.rglob("*")) if path.is_file() and path.parent.name != "live"]
    found = []
    for path in paths:
        siblings = tuple(one for one in paths if one.suffix == path.suffix and one != path)
        found.append(Target(path, older / path.relative_to(indexes), siblings))
    return [target for target in found if target.path.stat().st_size]
