"""`patina stats`: how much there is of everything."""

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from patina.cli._lines import Line, Piece, line, show, show_json, table
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.wire import CollectionStats, StatsReply

UNITS = ("B", "KB", "MB", "GB", "TB")
STEP = 1000


def stats(
    *,
    repo: Annotated[tuple[str, ...], Parameter(help="Only this collection; repeatable.")] = (),
    options: LocalOptions = LOCAL,
) -> int:
    """Count documents, passages and bytes, and what is dead and not reclaimed yet."""
    reply = wait_for(_counted(repo, options))
    if options.json:
        show_json(reply)
    else:
        show(_lines(reply))
    return 0


async def _counted(repos: tuple[str, ...], options: LocalOptions) -> StatsReply:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.stats(repos)


def _lines(reply: StatsReply) -> list[Line]:
    store = f"{size(reply.store_bytes)}, {size(reply.wal_bytes)} not moved into it yet, format {reply.format}"
    lines = [line(Piece("store  ", "dim"), store)]
    if not reply.collections:
        return [*lines, line(), line("Nothing is indexed yet.")]
    header = ("collection", "documents", "chunks", "embedded", "text", "vectors", "index", "dead", "last commit")
    return [*lines, line(), *table([_row(one) for one in reply.collections], header)]


def _row(one: CollectionStats) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(one.last_commit).astimezone() if one.last_commit else None
    return (
        one.name,
        str(one.documents),
        str(one.chunks),
        f"{one.embedded}{f' ({one.failed} refused)' if one.failed else ''}",
        size(one.text_bytes),
        size(one.vector_bytes),
        size(one.index.get("bytes", 0)),
        f"{100 * one.deleted_ratio:.1f} %",
        moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "-",
    )


def size(number: int) -> str:
    """Bytes as a person reads them: "0 B", "1.5 MB"."""
    amount, unit = float(number), 0
    while amount >= STEP and unit < len(UNITS) - 1:
        amount, unit = amount / STEP, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit else f"{number} B"
