"""`patina import`: what `patina export` wrote, back in."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from patina.cli._lines import Line, count, line, show, show_json
from patina.cli._options import LOCAL, LocalOptions
from patina.cli._progress import progress
from patina.cli._reach import answers_here, someone, wait_for
from patina.client import Client
from patina.client.lines import Rewindable, Source
from patina.errors import InvalidRequest
from patina.ingest.pace import Pace
from patina.wire import CollectionStatus, Job

LOOK_EVERY_S = 0.5
STILL_S = 30.0
"""A model that has done nothing for so long has nothing to do, or cannot."""
STDIN = "-"


def import_(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True, help="What `patina export` wrote; - is stdin.")],
    *,
    repo: Annotated[str | None, Parameter(help="Put everything into this collection, under new ids.")] = None,
    force: Annotated[bool, Parameter(help="Begin anew, also where an import of another content broke off.")] = False,
    no_wait: Annotated[bool, Parameter(help="Return when all is stored; the daemon goes on embedding.")] = False,
    quiet: Annotated[bool, Parameter(help="Show no progress.")] = False,
    options: LocalOptions = LOCAL,
) -> int:
    """Take in what an export has: documents, passages, ids. The file is checked before anything of it is taken in.

    If it is broken off, the same command goes on where it ended.
    """
    if no_wait and answers_here(options.config(), options.standalone):
        raise InvalidRequest("--no-wait needs a daemon that goes on with the work; here there is none.")
    with _opened(file) as opened:
        source = Source(STDIN if str(file) == STDIN else str(file.resolve()), opened)
        job = wait_for(_imported(source, repo, force, quiet, no_wait, options))
    if options.json:
        show_json(job)
    else:
        show([_line(job, source, repo)])
    return 0


@contextmanager
def _opened(file: Path) -> Iterator[Rewindable]:
    """The file; what comes through a pipe is read to its end first, for it is read twice."""
    if str(file) == STDIN:
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            kept.seek(0)
            yield kept
    elif not file.is_file():
        raise InvalidRequest(f"There is no file {file}, seen from {Path.cwd()}.", param="file")
    else:
        with file.open("rb") as opened:
            yield opened


async def _imported(
    source: Source, repo: str | None, force: bool, quiet: bool, no_wait: bool, options: LocalOptions
) -> Job:
    async with someone(options.config(), standalone=options.standalone, verbose=options.verbose) as client:
        pace: Pace | None = None
        with progress(quiet) as shown:
            async for job in client.import_lines(source, repo, force):
                pace = pace or Pace(job.repo or Path(source.name).name, "import", job.done)
                shown(pace.progress(job.done, job.total))
        await client.commit()
        if not no_wait:
            await _embedded(client, {repo} if repo else source.repos, quiet)
        return job


async def _embedded(client: Client, repos: set[str], quiet: bool) -> None:
    """Return when the models have done what they can, or do nothing any more."""
    paces: dict[str, Pace] = {}
    last, since = -1, 0.0
    with progress(quiet) as shown:
        while True:
            status = await client.status()
            waiting = [one for one in status.collections if one.name in repos and _waits(one)]
            done = sum(one.embedded + one.failed for one in waiting)
            if done != last or status.waiting:
                last, since = done, time.monotonic()
            if not waiting or time.monotonic() - since > STILL_S:
                return
            for one in waiting:
                pace = paces.setdefault(one.name, Pace(one.name, "embed", one.embedded))
                shown(pace.progress(one.embedded, one.chunks - one.failed))
            await asyncio.sleep(LOOK_EVERY_S)


def _waits(one: CollectionStatus) -> bool:
    return bool(one.model) and one.problem is None and one.embedded + one.failed < one.chunks


def _line(job: Job, source: Source, repo: str | None) -> Line:
    what = f"{count(source.documents, 'document')}, {count(source.lines, 'chunk')}"
    where = repo or ", ".join(sorted(source.repos)) or "nothing"
    return line(f"{what} imported into {where} (job {job.id}).")
