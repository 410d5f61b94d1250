"""Which atoms go together in a piece: arithmetic on their token counts and costs, without a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

LEAST_SHARE = 0.25
"""A piece is filled to this share of the target before a good place to end it counts."""
STRETCH = 1.25
"""A last piece may grow to this multiple of the target rather than leave a tiny one behind."""


class Room(NamedTuple):
    """The tokens that a piece's own text may take, without what the model adds to each."""

    target: int
    most: int
    overlap: int


class Run(NamedTuple):
    """A piece: atoms `first` up to but not including `end`, and before them those repeated from `repeat` on."""

    repeat: int
    first: int
    end: int


def pack(counts: Sequence[int], costs: Sequence[int], room: Room) -> list[Run]:
    """Cover all atoms with runs, each filled up to the target and ended where the next costs least to begin.

    An atom that is alone over the target becomes a run by itself.
    """
    totals = [0, *accumulate(counts)]
    runs: list[Run] = []
    first = 0
    while first < len(counts):
        end = _end(totals, costs, first, room)
        runs.append(Run(_repeat(totals, runs, first, room.overlap), first, end))
        first = end
    return runs


def _end(totals: Sequence[int], costs: Sequence[int], first: int, room: Room) -> int:
    """Where the run that begins at `first` ends."""
    last = len(costs)
    overlap = room.overlap if first else 0
    own = room.target - overlap
    reach = max(first + 1, bisect_right(totals, totals[first] + own) - 1)
    if reach >= last:
        return last
    least = int(room.target * LEAST_SHARE)
    earliest = min(reach, max(first + 1, bisect_left(totals, totals[first] + least)))
    end = min(range(earliest, reach + 1), key=lambda place: (costs[place], -place))
    tiny = totals[last] - totals[end] < least
    fits = totals[last] - totals[first] <= min(own * STRETCH, room.most - overlap)
    return last if tiny and fits else end


def _repeat(totals: Sequence[int], runs: Sequence[Run], first: int, overlap: int) -> int:
    """The atom of the run before from which as nearly `overlap` tokens are repeated as whole atoms allow."""
    if not overlap or not runs:
        return first
    wanted = totals[first] - overlap
    return min(range(runs[-1].first + 1, first + 1), key=lambda place: (abs(totals[place] - wanted), -place))
