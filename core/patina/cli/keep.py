"""`patina verify` and `patina rebuild`: keeping what is stored trustworthy."""

from typing import Annotated, Any

from cyclopts import Parameter

from patina.cli._lines import Line, Piece, count, duration, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._progress import followed
from patina.cli._reach import someone, wait_for
from patina.cli._reports import report_lines
from patina.wire import IndexReport, Rebuild, Request, Verify, VerifyReport


def verify(
    *,
    full: Annotated[bool, Parameter(help="Read every byte.")] = False,
    repo: Annotated[tuple[str, ...], Parameter(help="Only this collection; repeatable.")] = (),
    options: LocalOptions = LOCAL,
) -> int:
    """Check the store against itself, and every index against the store. Exit 1 when something is wrong."""
    report: VerifyReport = wait_for(_asked(Verify(full=full, repos=list(repo)), options))
    if options.json:
        show_json(report)
    else:
        show(_verdict(report))
    return 0 if report.ok else 1


def rebuild(
    *,
    repo: Annotated[str, Parameter(help="The collection.")],
    options: LocalOptions = LOCAL,
) -> int:
    """Throw a collection's index away and derive it again, with the model that is configured now."""
    report: IndexReport = wait_for(_rebuilt(Rebuild(repo=repo), options))
    if options.json:
        show_json(report)
    else:
        show(report_lines(report))
    return 0


async def _asked(request: Request[Any], options: LocalOptions) -> Any:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.handle(request)


async def _rebuilt(request: Rebuild, options: LocalOptions) -> IndexReport:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        report: IndexReport = await followed(client, request, quiet=False)
        return report


def _verdict(report: VerifyReport) -> list[Line]:
    what = f"{count(report.collections, 'collection')}, {count(report.chunks, 'chunk')}"
    looked = f"{what}, {duration(report.took_ms / 1000)}"
    if report.ok:
        return [line(Piece("Everything agrees", "bold green"), f": {looked}.")]
    faults = [line(f"{fault.where}: {fault.what} {fault.repair}", indent=2) for fault in report.faults]
    return [line(Piece(f"{count(len(report.faults), 'fault')} found", "bold red"), f": {looked}."), *faults]
