"""Jobs on the command line: followed to their end, and put into words."""

from datetime import datetime

from patina.cli._lines import Line, Piece, line
from patina.cli._progress import amount, followed
from patina.client import Client
from patina.errors import Failed, Unavailable
from patina.wire import Job, Watched, WatchJob

STYLES = {"running": "bold cyan", "succeeded": "green", "failed": "bold red", "interrupted": "yellow"}
KINDS = {
    "index": "indexing",
    "documents": "taking in documents for",
    "rebuild": "rebuilding",
    "retry": "embedding again",
    "import": "importing",
}


async def watched(client: Client, id: int, quiet: bool) -> Job:
    """A job at its end, its progress shown meanwhile."""
    try:
        reply: Watched = await followed(client, WatchJob(id=id), quiet)
    except Unavailable as error:
        raise Unavailable(
            error.message, hint=f"Job {id} goes on as soon as a daemon runs: see 'patina jobs show {id}'."
        ) from None
    return reply.job


def ended(job: Job) -> Job:
    """A job that has succeeded; raises what kept any other from it."""
    if job.failure is not None:
        raise job.failure.error()
    if job.state == "interrupted":
        raise Unavailable(f"Job {job.id} was interrupted.", hint=job.message or f"See 'patina jobs show {job.id}'.")
    if job.state != "succeeded":
        raise Failed(f"Job {job.id} is {job.state}.", hint=job.message or f"See 'patina jobs show {job.id}'.")
    return job


def job_line(job: Job) -> Line:
    """One job in a sentence: "Job 7, indexing docs, is running: 120 of 400 files"."""
    what = f"{KINDS[job.kind]} {job.repo}".rstrip()
    done = f": {amount(job.stage, job.done, job.total)}" if job.stage else ""
    return line(f"Job {job.id}, {what}, is ", Piece(job.state, STYLES.get(job.state, "")), f"{done}.")


def left(job: Job) -> str:
    """What is left of a job that was cancelled."""
    done = f" after {amount(job.stage, job.done, job.total)}" if job.stage else ""
    return f"Job {job.id} is {job.state}{done}. {job.message or 'What was stored is kept.'}"


def moment(unix_time: float | None) -> str:
    return datetime.fromtimestamp(unix_time).astimezone().strftime("%Y-%m-%d %H:%M") if unix_time else "-"
