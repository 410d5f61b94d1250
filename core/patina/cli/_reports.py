"""What an index run did, in sentences."""

import sys
from collections.abc import Sequence

from patina.cli._lines import Line, Piece, count, duration, line, show
from patina.wire import IndexReport, InputFailure

MAX_FAILURES_SHOWN = 50
REASONS = {"too_large": "too large", "secret": "perhaps secret", "link": "links that lead outside"}


def report_lines(report: IndexReport) -> list[Line]:
    """One collection's run: what changed, what was left out, what is left to do."""
    parts = [("added", report.added), ("changed", report.changed), ("removed", report.removed)]
    done = [f"{number} {what}" for what, number in parts if number]
    documents = ", ".join([*(done or ["nothing new"]), f"{report.unchanged} unchanged"])
    work = f"{count(report.chunks, 'chunk')} written, {report.embedded} embedded, {duration(report.took_ms / 1000)}"
    lines = [line(Piece(report.repo, "bold cyan"), f": {documents}; {work}.")]
    if report.skipped:
        lines.append(line(Piece(f"  Left out: {_skipped(report.skipped)}.", "dim")))
    if report.note:
        lines.append(line(Piece(f"  {report.note}", "yellow")))
    return lines


def show_failures(failed: Sequence[InputFailure]) -> None:
    """List what could not be taken in, on stderr."""
    if not failed:
        return
    rows = [line(f"{failure.path}: {failure.reason}", indent=2) for failure in failed[:MAX_FAILURES_SHOWN]]
    rest = len(failed) - len(rows)
    more = [line(f"and {rest} more", indent=2)] if rest else []
    show([line(Piece(f"{count(len(failed), 'input')} failed:", "bold red")), *rows, *more], sys.stderr)


def _skipped(reasons: dict[str, int]) -> str:
    return ", ".join(f"{number} {REASONS.get(reason, reason)}" for reason, number in sorted(reasons.items()))
