"""Which parts should become one segment: size tiers, and a cure for segments that are mostly dead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

FAN_OUT = 4
"""Segments of one tier that are merged into one of the next; so at most four are small at a time."""
LAST_TIER = 2
"""Segments of this tier, of some 16 times the smallest, are left alone while new rows come."""
QUIET_SHARE = 0.25
"""In quiet times, smaller segments are merged into a larger one when they have this share of its rows: so a row is
written again five times at most, and most rows are found through one graph."""
LARGEST = 64
"""Nothing larger than so many of the smallest segments is made: a merge holds twice its rows in memory."""
DEAD_SHARE = 0.3
"""A segment with more dead rows than this is written anew without them."""


class Size(NamedTuple):
    """Rows of a segment, and how many of them are alive."""

    rows: int
    alive: int


def plan(sizes: Sequence[Size], segment_size: int) -> list[int]:
    """The positions of the segments to merge next, or nothing. Small tiers first: they are cheap and most frequent."""
    for position, size in enumerate(sizes):
        if size.rows - size.alive > DEAD_SHARE * size.rows:
            return [position]
    tiers: dict[int, list[int]] = {}
    for position, size in enumerate(sizes):
        tiers.setdefault(_tier(size.rows, segment_size), []).append(position)
    full = [tier for tier, members in tiers.items() if len(members) >= FAN_OUT and tier < LAST_TIER]
    return tiers[min(full)][:FAN_OUT] if full else []


def plan_when_quiet(sizes: Sequence[Size], segment_size: int) -> list[int]:
    """The positions of the small segments that are worth merging into a larger one, and of that, or nothing.

    Several graphs take longer to ask than one with all their rows that finds as much.
    """
    chosen: list[int] = []
    worthwhile: list[int] = []
    rows = 0
    for position in sorted(range(len(sizes)), key=lambda position: sizes[position].rows):
        size = sizes[position].rows
        if rows + size > LARGEST * segment_size:
            break
        chosen.append(position)
        if rows >= QUIET_SHARE * size:
            worthwhile = list(chosen)
        rows += size
    return worthwhile if len(worthwhile) > 1 else []


def _tier(rows: int, segment_size: int) -> int:
    """0 below two segments' size, 1 below eight, 2 below 32 …"""
    return max(0, round(math.log(max(rows, 1) / segment_size, FAN_OUT)))
