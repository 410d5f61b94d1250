"""`patina index`: take in files and folders, as a job."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from patina.cli._jobs import ended, job_line, left, watched
from patina.cli._lines import line, notice, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._reach import answers_here, someone, wait_for
from patina.cli._reports import report_lines, show_failures
from patina.config import Config
from patina.errors import InvalidRequest
from patina.wire import CancelJob, IndexPaths, Job, Reports, Start

PARTLY_DONE = 5


def index(
    *paths: Annotated[Path, Parameter(help="Files and folders.")],
    name: Annotated[str | None, Parameter(help="The collection to use or to make.")] = None,
    no_wait: Annotated[bool, Parameter(help="Return when all is stored; the daemon goes on embedding.")] = False,
    detach: Annotated[bool, Parameter(help="Return at once; the daemon does it all. See 'patina jobs'.")] = False,
    strict: Annotated[bool, Parameter(help="Stop at the first file that fails.")] = False,
    quiet: Annotated[bool, Parameter(help="Show no progress.")] = False,
    options: LocalOptions = LOCAL,
) -> int:
    """Take in files and folders, and keep what is known of them current.

    A path belongs to its enclosing project (a git work tree, or a folder with .patina/), else makes a collection of its
    own. Only what changed is read again; what was deleted is forgotten. Ctrl-C keeps what is committed.
    """
    request = IndexPaths(paths=_absolute(paths), name=name, wait=not no_wait, strict=strict)
    config = options.config()
    if options.standalone or not config.mothership:
        _check_present(paths)
    if (no_wait or detach) and answers_here(config, options.standalone):
        flag = "--detach" if detach else "--no-wait"
        raise InvalidRequest(f"{flag} needs a daemon that goes on with the work; here there is none.")
    if detach:
        return _begin(config, request, options)
    job = wait_for(_index(config, request, quiet, options))
    reports = Reports(reports=job.reports)
    if options.json:
        show_json(reports)
    else:
        show([line for report in reports.reports for line in report_lines(report)])
    return _outcome(reports, strict)


def _begin(config: Config, request: IndexPaths, options: LocalOptions) -> int:
    job = wait_for(_started(config, request, options))
    if options.json:
        show_json(job)
    else:
        show([job_line(job), line(f"  Watch it with 'patina jobs watch {job.id}'.")])
    return 0


async def _started(config: Config, request: IndexPaths, options: LocalOptions) -> Job:
    async with someone(config, verbose=options.verbose) as client:
        return await client.handle(Start(work=request))


async def _index(config: Config, request: IndexPaths, quiet: bool, options: LocalOptions) -> Job:
    async with someone(config, standalone=options.standalone, verbose=options.verbose) as client:
        job = await client.handle(Start(work=request))
        try:
            return ended(await watched(client, job.id, quiet))
        except asyncio.CancelledError:  # Ctrl-C: a second one does not wait for the answer
            notice(left(await client.handle(CancelJob(id=job.id))))
            raise


def _absolute(paths: tuple[Path, ...]) -> list[str]:
    if not paths:
        raise InvalidRequest("Say what to take in.", hint="For example: patina index .")
    return [str(path.resolve()) for path in paths]


def _check_present(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if not path.exists():
            raise InvalidRequest(
                f"There is no file or folder {path}, seen from {Path.cwd()}.",
                hint="Check the spelling; to forget what was deleted, index the folder above it.",
                param="paths",
            )


def _outcome(reports: Reports, strict: bool) -> int:
    failed = [failure for report in reports.reports for failure in report.failed]
    show_failures(failed)
    if not failed:
        return 0
    return 1 if strict else PARTLY_DONE
