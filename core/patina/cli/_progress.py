"""How far a long command has come: a bar on a terminal, a line now and then in a file, or nothing. On stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeAlias

from patina.cli._lines import count, duration
from patina.client import Client
from patina.errors import Failed
from patina.wire import Progress, Request

LINE_EVERY_S = 5.0
WORDS = {"read": ("Reading", "file"), "embed": ("Embedding", "chunk"), "import": ("Importing", "line")}

Show: TypeAlias = Callable[[Progress], None]


@contextmanager
def progress(quiet: bool, stream: TextIO | None = None) -> Iterator[Show]:
    """A place to put `Progress` events; what it draws on a terminal is gone afterwards."""
    stream = stream or sys.stderr
    if quiet:
        yield lambda _: None
    elif stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _Lines(stream).show


async def followed(client: Client, request: Request[Any], quiet: bool) -> Any:
    """The reply to a request whose progress is shown meanwhile."""
    reply = None
    with progress(quiet) as shown:
        async for event in client.stream(request):
            if isinstance(event, Progress):
                shown(event)
            else:
                reply = event
    if reply is None:
        raise Failed("The daemon ended before it had answered.", hint="Run the same command again.")
    return reply


def told(event: Progress) -> str:
    """An event in words: "Embedding docs: 120 of 400 chunks, 31.0/s, 9.0 s left"."""
    if event.stage == "queued":
        return f"{event.repo or 'The job'}: waiting for its turn"
    verb = WORDS.get(event.stage, (event.stage.capitalize(), ""))[0]
    parts = [amount(event.stage, event.done, event.total)]
    parts += [f"{event.rate:.1f}/s"] if event.rate else []
    parts += [f"{duration(event.eta_s)} left"] if event.eta_s else []
    return f"{verb} {event.repo}: {', '.join(parts)}"


def amount(stage: str, done: int, total: int | None) -> str:
    """How much of a stage is done: "120 of 400 chunks"."""
    noun = WORDS.get(stage, ("", "item"))[1]
    return count(done, noun) if total is None else f"{done:,} of {count(total, noun)}".replace(",", " ")


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + LINE_EVERY_S

    def show(self, event: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LINE_EVERY_S
            self._stream.write(f"{told(event)}\n")
            self._stream.flush()


@contextmanager
def _bar(stream: TextIO) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TextColumn("{task.fields[figures]}"))
    tasks: dict[tuple[str, str], int] = {}
    with Bars(*columns, console=Console(file=stream), transient=True, expand=True) as bars:

        def show(event: Progress) -> None:
            heading, _, figures = told(event).partition(": ")
            key = (event.repo, event.stage)
            if key not in tasks:
                tasks[key] = bars.add_task(heading, total=event.total, figures=figures)
            bars.update(bars.task_ids[tasks[key]], completed=event.done, total=event.total, figures=figures)

        yield show
