"""`patina jobs`: what is under way, and what became of what was."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from patina.cli._jobs import ended, job_line, left, moment, watched
from patina.cli._lines import Line, Piece, duration, line, show, show_json, table
from patina.cli._options import HABITS, OPTIONS, Options
from patina.cli._progress import amount
from patina.cli._reach import running_daemon, someone, wait_for, whoever_is_there
from patina.cli._reports import report_lines, show_failures
from patina.wire import CancelJob, Job, JobList, JobState, ListJobs, Request, ResumeJob, RetryJob, ShowJob

PARTLY_DONE = 5


def group() -> App:
    """The command group."""
    app = App(name="jobs", default_parameter=HABITS, help="What is under way, and what became of what was.")
    app.command(listing, name="list")
    app.command(show_one, name="show")
    for command in (watch, cancel, resume, retry):
        app.command(command)
    return app


def listing(
    *,
    state: Annotated[tuple[JobState, ...], Parameter(help="Only jobs in this state; repeatable.")] = (),
    limit: Annotated[int, Parameter(help="How many at most, 1 to 1000.", show_default=True)] = 20,
    options: Options = OPTIONS,
) -> int:
    """The jobs that are remembered, the newest first. Starts no daemon."""
    reply: JobList = wait_for(_looked(ListJobs(states=list(state), limit=limit), options))
    if options.json:
        show_json(reply)
    elif reply.jobs:
        show(table([_row(job) for job in reply.jobs], ("job", "state", "kind", "collection", "begun", "done")))
    else:
        show([line("There are no jobs." if not state else f"No job is {' or '.join(state)}.")])
    return 0


def show_one(id: Annotated[int, Parameter(help="The job's number.")], /, *, options: Options = OPTIONS) -> int:
    """All about one job. Starts no daemon."""
    job: Job = wait_for(_looked(ShowJob(id=id), options))
    if options.json:
        show_json(job)
    else:
        show(_about(job))
    return 0


def watch(
    id: Annotated[int, Parameter(help="The job's number.")],
    /,
    *,
    quiet: Annotated[bool, Parameter(help="Show no progress.")] = False,
    options: Options = OPTIONS,
) -> int:
    """Follow a job to its end. Ctrl-C ends the watching, not the job."""
    job = wait_for(_watched(id, quiet, options))
    if options.json:
        show_json(job)
    ended(job)
    if not options.json:
        show([each for report in job.reports for each in report_lines(report)] or [job_line(job)])
    show_failures([failure for report in job.reports for failure in report.failed])
    return PARTLY_DONE if job.failed else 0


def cancel(id: Annotated[int, Parameter(help="The job's number.")], /, *, options: Options = OPTIONS) -> int:
    """End a job within a batch. What is stored is kept; one that has ended is left as it is."""
    job: Job = wait_for(_told(CancelJob(id=id), options))
    if options.json:
        show_json(job)
    else:
        show([line(left(job)) if job.state in {"cancelled", "cancelling"} else job_line(job)])
    return 0


def resume(id: Annotated[int, Parameter(help="The job's number.")], /, *, options: Options = OPTIONS) -> int:
    """Go on with a job that was interrupted or cancelled, or that failed."""
    return _begun(ResumeJob(id=id), options)


def retry(
    id: Annotated[int | None, Parameter(help="The job's number; without one, only chunks are tried again.")] = None,
    /,
    *,
    repo: Annotated[tuple[str, ...], Parameter(help="Without a number: this collection's chunks; repeatable.")] = (),
    options: Options = OPTIONS,
) -> int:
    """Try again what failed: a job's files, and the chunks that the model refused."""
    return _begun(RetryJob(id=id, repos=list(repo)), options)


def _begun(request: ResumeJob | RetryJob, options: Options) -> int:
    job: Job = wait_for(_asked(request, options))
    if options.json:
        show_json(job)
    else:
        show([job_line(job), line(f"  Watch it with 'patina jobs watch {job.id}'.")])
    return 0


async def _looked(request: Request[Any], options: Options) -> Any:
    async with whoever_is_there(options.config(), verbose=options.verbose) as client:
        return await client.handle(request)


async def _told(request: Request[Any], options: Options) -> Any:
    async with running_daemon(options.config(), verbose=options.verbose) as client:
        return await client.handle(request)


async def _asked(request: Request[Any], options: Options) -> Any:
    """By a daemon that goes on with it, started if that is allowed."""
    config = options.config()
    reached = someone if config.auto_start else running_daemon
    async with reached(config, verbose=options.verbose) as client:
        return await client.handle(request)


async def _watched(id: int, quiet: bool, options: Options) -> Job:
    async with running_daemon(options.config(), verbose=options.verbose) as client:
        return await watched(client, id, quiet)


def _row(job: Job) -> tuple[str, ...]:
    done = amount(job.stage, job.done, job.total) if job.stage else "-"
    failed = f", {job.failed} failed" if job.failed else ""
    return str(job.id), job.state, job.kind, job.repo or "-", moment(job.started_at or job.created_at), done + failed


def _about(job: Job) -> list[Line]:
    rows = [
        ("asked", moment(job.created_at)),
        ("begun", moment(job.started_at) + (f", {job.attempts} times" if job.attempts > 1 else "")),
        ("ended", moment(job.ended_at)),
    ]
    rows += [("rate", f"{job.rate:.1f}/s")] if job.rate else []
    rows += [("left", duration(job.eta_s))] if job.eta_s else []
    rows += [("cursor", job.cursor)] if job.cursor else []
    rows += [("message", job.message)] if job.message else []
    lines = [job_line(job), *(line(Piece(f"  {name:<8}", "dim"), value) for name, value in rows)]
    lines += [each for report in job.reports for each in report_lines(report)]
    more = [f"and {job.failed - len(job.errors)} more"] if job.failed > len(job.errors) else []
    failed = [*(f"{error.path}: {error.reason}" for error in job.errors), *more]
    return [*lines, *(line(Piece(each, "red"), indent=2) for each in failed)]
