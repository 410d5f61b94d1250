"""Cutting a text into passages that a model can take in whole.

A text falls into parts (Markdown sections), parts into atoms (lines of code, sentences), and each atom knows how good a
place it is to begin a passage. Small parts are joined, atoms are packed up to a target, and at last every passage is
measured as it stands: none is ever over the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from math import ceil
from typing import NamedTuple

import msgspec

from patina.errors import ConfigError
from patina.ingest.atoms import Atom, atoms
from patina.ingest.estimate import ESTIMATE, estimate
from patina.ingest.pack import Room, pack
from patina.ingest.slices import slices
from patina.ingest.spans import byte_offsets, line_of, line_starts, trimmed

__all__ = ["CHUNKER", "Chunker", "Measure", "Piece", "estimate"]

CHUNKER = "structure-1"
"""Names the way of cutting: counts up when the same text would be cut differently."""
MIN_ROOM_TOKENS = 16
"""The least that a model must leave for a text; a single character can take several tokens."""
SMALL_SHARE = 0.5
"""A part below this share of the target takes in the next one, if they have a parent in common."""

Measure = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of many texts in one call, each with prefix and special tokens. It may stop at the maximum."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A passage: exactly what stands in the text from `start_byte` to `end_byte` of its UTF-8 form."""

    text: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    """From 1, inclusive."""
    heading: tuple[str, ...] = ()
    """The headings that all of the passage stands under, outermost first."""


class _Span(NamedTuple):
    """A piece to be, in characters; from `start` to `own` it repeats the end of the piece before."""

    start: int
    own: int
    end: int
    heading: tuple[str, ...]


class _Weighed(NamedTuple):
    atom: Atom
    tokens: int


class Chunker:
    """Cuts texts by the tokens that `measure` counts.

    Pieces come in order, cover all that is not blank, and do not overlap unless `overlap_tokens` says so: then each
    begins with about so many tokens, in whole lines or sentences, of the piece before, within one section.
    """

    def __init__(
        self,
        measure: Measure,
        target_tokens: int,
        max_tokens: int,
        overlap_tokens: int = 0,
        name: str = ESTIMATE,
    ) -> None:
        """`target_tokens` and `max_tokens` include what the model adds to each text; `name` says whose tokens they are.

        Raises `ConfigError` for settings that leave no room for a text.
        """
        self.name = f"{CHUNKER} target={target_tokens} max={max_tokens} overlap={overlap_tokens} tokens={name}"
        """Equal names cut equal texts equally."""
        self._measure = measure
        self._most = max_tokens - 1  # a tokenizer that cuts off the rest says `max_tokens` of any long text
        [self._added] = measure([""])
        target = min(target_tokens, self._most)
        self._room = Room(target - self._added, self._most - self._added, overlap_tokens)
        _check(self._room, self._added)

    def cut(self, text: str, language: str = "") -> list[Piece]:
        """The pieces of a text; none for a blank one."""
        found = atoms(text, language)
        counts = self._measure([text[atom.start : atom.end] for atom in found])
        weighed = [_Weighed(atom, max(1, count - self._added)) for atom, count in zip(found, counts, strict=True)]
        groups = _groups(weighed, self._room.target * SMALL_SHARE)
        spans = (span for group in groups for span in _packed(group, self._room))
        return _pieces(text, list(_advancing(self._fitting(text, spans))))

    def _fitting(self, text: str, spans: Iterable[_Span]) -> Iterator[_Span]:
        """The spans, trimmed, measured as they stand, and made smaller where they do not fit."""
        kept = [span for span in (_trimmed(text, span) for span in spans) if span.start < span.end]
        counts = self._measure([text[span.start : span.end] for span in kept])
        for span, count in zip(kept, counts, strict=True):
            if count <= self._most or span.end - span.start == 1:
                yield span
            else:
                yield from self._fitting(text, _smaller(text, span, (count - self._added) / self._room.target))


def _check(room: Room, added: int) -> None:
    if room.target < MIN_ROOM_TOKENS:
        raise ConfigError(
            f"Passages of {room.target + added} tokens leave no room for a text.",
            hint=f"Allow at least {added + MIN_ROOM_TOKENS}.",
            param="chunk_tokens",
        )
    if not 0 <= room.overlap <= room.target // 2:
        raise ConfigError(
            f"Passages cannot overlap by {room.overlap} tokens.",
            hint=f"Choose between 0 and {room.target // 2}, half of what a passage holds.",
            param="chunk_overlap_tokens",
        )


def _groups(weighed: Sequence[_Weighed], small: float) -> Iterator[list[_Weighed]]:
    """What may share a piece: a section, and while that is small, the next one under the same parent."""
    group: list[_Weighed] = []
    for heading, section in groupby(weighed, lambda one: one.atom.heading):
        if group and not (sum(one.tokens for one in group) < small and _related(group[0].atom.heading, heading)):
            yield group
            group = []
        group += section
    if group:
        yield group


def _related(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether the second section lies under the first, or beside it under the same heading."""
    return second[: len(first)] == first or second[:-1] == first[:-1]


def _packed(group: Sequence[_Weighed], room: Room) -> Iterator[_Span]:
    found = [one.atom for one in group]
    for run in pack([one.tokens for one in group], [atom.cost for atom in found], room):
        heading = _common({atom.heading for atom in found[run.first : run.end]})
        yield _Span(found[run.repeat].start, found[run.first].start, found[run.end - 1].end, heading)


def _common(headings: set[tuple[str, ...]]) -> tuple[str, ...]:
    """The beginning that all of them share: that of the first and the last in order."""
    pairs = zip(min(headings), max(headings), strict=False)
    return tuple(one for one, other in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _trimmed(text: str, span: _Span) -> _Span:
    start, end = trimmed(text, span.start, span.end)
    return span._replace(start=start, end=end)


def _smaller(text: str, span: _Span, targets: float) -> Iterator[_Span]:
    """A span that does not fit and holds so many targets: without what it repeats, else in equal slices."""
    if span.start < span.own < span.end:
        yield span._replace(start=span.own)
        return
    size = ceil((span.end - span.start) / max(2, ceil(targets)))
    for start, end in slices(text, span.start, span.end, size):
        yield _Span(start, start, end, span.heading)


def _advancing(spans: Iterable[_Span]) -> Iterator[_Span]:
    """The spans, none beginning before the one in front of it: what was cut in slices is not repeated as a whole."""
    last_start = -1
    for span in spans:
        ahead = span if span.start > last_start else span._replace(start=span.own)
        last_start = ahead.start
        yield ahead


def _pieces(text: str, spans: Sequence[_Span]) -> list[Piece]:
    offsets = byte_offsets(text, (place for span in spans for place in (span.start, span.end)))
    starts = line_starts(text)
    return [
        Piece(
            text=text[span.start : span.end],
            start_byte=offsets[span.start],
            end_byte=offsets[span.end],
            start_line=line_of(starts, span.start),
            end_line=line_of(starts, span.end - 1),
            heading=span.heading,
        )
        for span in spans
    ]
