"""`patina verify`: is everything as it should be?"""

from typing import Annotated

from cyclopts import Parameter

from patina.cli._lines import Line, Piece, count, duration, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import someone, wait_for
from patina.wire import VerifyReport


def verify(
    *,
    full: Annotated[
        bool, Parameter(help="Read every byte, and compare answers with an index made anew; takes minutes.")
    ] = False,
    repo: Annotated[tuple[str, ...], Parameter(help="Only this collection; repeatable.")] = (),
    options: LocalOptions = LOCAL,
) -> int:
    """Check the store against itself, and every index against the store. Exit 1 when something is wrong."""
    report = wait_for(_verified(repo, full, options))
    if options.json:
        show_json(report)
    else:
        show(_verdict(report))
    return 0 if report.ok else 1


async def _verified(repos: tuple[str, ...], full: bool, options: LocalOptions) -> VerifyReport:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.verify(repos, full)


def _verdict(report: VerifyReport) -> list[Line]:
    what = f"{count(report.collections, 'collection')}, {count(report.chunks, 'chunk')}"
    looked = f"{what}, {duration(report.took_ms / 1000)}"
    if report.ok:
        return [line(Piece("Everything agrees", "bold green"), f": {looked}.")]
    faults = [line(f"{fault.where}: {fault.what} {fault.repair}", indent=2) for fault in report.faults]
    return [line(Piece(f"{count(len(report.faults), 'fault')} found", "bold red"), f": {looked}."), *faults]
