"""An answer as a person reads it: where each passage is, why it came, and the passage with the asked words marked."""

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from patina.cli._lines import Line, Piece, count, line
from patina.cli._marking import Marker
from patina.wire import ArmScore, Hit, Hits, Why

MAX_SNIPPET_LINES = 8
ARM_NAMES = {"dense": "meaning", "lexical": "words", "fused": "match"}


def hit_lines(number: int, hit: Hit, marker: Marker, here: Path, explain: bool) -> list[Line]:
    """One hit, under its place in the answer."""
    reasons = " · ".join(f"{ARM_NAMES.get(arm, arm)} #{score.rank}" for arm, score in sorted(hit.arms.items()))
    where = Piece(place(hit, here), "bold cyan")
    lines = [line(f"{number:>2}. ", where, Piece(f"  {hit.score:.2f}", "dim"), Piece(f"  {reasons}", "green"))]
    if heading := " > ".join(hit.heading) or hit.title:
        lines.append(line(*marker.pieces(heading, "bold"), indent=4))
    if explain:
        lines += [line(Piece(text, "dim"), indent=4) for text in _explained(hit)]
    snippet = [text for text in dedent(hit.snippet).splitlines() if text.strip()]
    lines += [line(*marker.pieces(text), indent=6) for text in snippet[:MAX_SNIPPET_LINES]]
    if len(snippet) > MAX_SNIPPET_LINES:
        lines.append(line(Piece("…", "dim"), indent=6))
    return [*lines, line()]


def place(hit: Hit, here: Path) -> str:
    """Something that opens: the path as seen from here, or the whole location, or the name within the collection."""
    if not os.path.isabs(hit.location):  # noqa: PTH117 - an address is not a path
        return hit.location or f"{hit.repo}/{hit.path}"
    location = Path(hit.location)
    if location.is_relative_to(here):
        location = location.relative_to(here)
    return f"{location}:{hit.start_line}"


def why_lines(why: Why | None) -> list[Line]:
    """How a document fared that was asked about."""
    if why is None:
        return []
    lines = [line(Piece(f"{why.repo}/{why.path}", "bold cyan"), Piece(f"  {why.sentence}"))]
    if why.chunk:
        lines += [line(Piece(text, "dim"), indent=4) for text in [*_raw(why.arms), f"best passage {why.chunk}"]]
    if why.matched:
        lines.append(line(Piece(f"words held: {', '.join(why.matched)}", "dim"), indent=4))
    return [*lines, line()]


def closing_lines(hits: Hits, explain: bool = False) -> list[Line]:
    """What the reader should know of the answer as a whole."""
    repos = len({hit.repo for hit in hits.hits})
    lines = [
        line(Piece(f"{count(len(hits.hits), 'hit')} from {count(repos, 'collection')} in {hits.took_ms:.0f} ms", "dim"))
    ]
    if explain:
        votes = ", ".join(f"{ARM_NAMES.get(arm, arm)} {weight:.2f}" for arm, weight in sorted(hits.weights.items()))
        lines.append(line(Piece(f"What a vote counted: {votes}", "dim")))
    return lines + degraded_lines(hits)


def degraded_lines(hits: Hits) -> list[Line]:
    return [line(Piece(f"! {hits.degraded}", "bold yellow"))] if hits.degraded else []


def _explained(hit: Hit) -> list[str]:
    matched = ", ".join(hit.matched or []) or "none"
    return [
        *_raw(hit.arms),
        f"rrf {hit.rrf:.5f}, share of the best possible {hit.score:.3f}; words matched: {matched}",
        f"id {hit.id}, lines {hit.start_line} to {hit.end_line} of {hit.repo}/{hit.path}",
    ]


def _raw(arms: Mapping[str, ArmScore]) -> list[str]:
    return [
        f"{ARM_NAMES.get(arm, arm)} ({arm}): rank {score.rank}, raw score {score.score:.4f}"
        for arm, score in sorted(arms.items())
    ]
