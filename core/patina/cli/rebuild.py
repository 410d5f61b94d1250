"""`patina rebuild`: derive indexes again."""

from typing import Annotated

from cyclopts import Parameter

from patina.cli._lines import Line, Piece, count, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._progress import followed
from patina.cli._reach import someone, wait_for
from patina.cli._reports import report_lines
from patina.client import Client
from patina.wire import IndexReport, Rebuild, RebuildPlan, RebuildStep, Reports

WOULD_CHANGE = 10


def rebuild(
    *,
    repo: Annotated[
        tuple[str, ...], Parameter(help="This collection, in any case; repeatable. By default those that need it.")
    ] = (),
    dry_run: Annotated[bool, Parameter(help="Only say what is to be done; exit 10 when there is something.")] = False,
    options: LocalOptions = LOCAL,
) -> int:
    """Derive indexes again from what is stored, with the models that are configured now."""
    if dry_run:
        return _show_plan(wait_for(_planned(repo, options)), options)
    reports = wait_for(_rebuilt(repo, options))
    if options.json:
        show_json(Reports(reports=reports))
    elif reports:
        show([line for report in reports for line in report_lines(report)])
    else:
        show([line("Every index is as it should be; with --repo one is rebuilt in any case.")])
    return 0


async def _planned(repos: tuple[str, ...], options: LocalOptions) -> RebuildPlan:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return await client.plan_rebuild(repos)


async def _rebuilt(repos: tuple[str, ...], options: LocalOptions) -> list[IndexReport]:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        return [await followed(client, Rebuild(repo=repo), quiet=False) for repo in repos or await _needy(client)]


async def _needy(client: Client) -> list[str]:
    """The collections whose indexes are not as they should be."""
    return list(dict.fromkeys(step.repo for step in (await client.plan_rebuild()).steps))


def _show_plan(plan: RebuildPlan, options: LocalOptions) -> int:
    if options.json:
        show_json(plan)
    else:
        show(_plan_lines(plan))
    return WOULD_CHANGE if plan.steps else 0


def _plan_lines(plan: RebuildPlan) -> list[Line]:
    if not plan.steps:
        return [line("Every index is as it should be: there is nothing to rebuild.")]
    return [
        line(_where(step), f": {step.reason} ", Piece(f"({count(step.chunks, 'chunk')})", "dim")) for step in plan.steps
    ]


def _where(step: RebuildStep) -> Piece:
    return Piece(f"{step.repo}/{step.arm}" if step.arm else step.repo, "bold cyan")
