"""`patina serve`: run the daemon."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from patina.cli._lines import line, show, show_json
from patina.cli._options import OPTIONS, Flag, Options
from patina.config import Config
from patina.daemon.paths import log_path, private_folder
from patina.daemon.serve import run
from patina.daemon.start import Readiness, launch
from patina.errors import PatinaError
from patina.types import Endpoint
from patina.wire import Failure

LOG_BYTES = 5_000_000
LOG_FILES = 3
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
Hidden = Parameter(show=False, negative=())


def serve(  # noqa: PLR0913 - each is an option
    *,
    host: Annotated[str | None, Parameter(help="The address to listen at.")] = None,
    port: Annotated[int | None, Parameter(help="The port; 0 picks a free one.")] = None,
    transport: Annotated[
        tuple[str, ...], Parameter(negative=(), consume_multiple=False, help="Open this door; repeatable.")
    ] = (),
    background: Annotated[
        bool, Flag, Parameter(name="--daemon", help="Return once it answers; it goes on in the background.")
    ] = False,
    ready_fd: Annotated[int | None, Hidden] = None,
    idle_exit: Annotated[bool, Hidden] = False,
    options: Options = OPTIONS,
) -> int:
    """Run the daemon here until it is told to end (Ctrl-C, SIGTERM, 'patina daemon stop').

    Prints the addresses once every door is open.
    """
    given = {"daemon.host": host, "daemon.port": port}
    if background:
        return _in_background(options, given, transport)
    # What a person starts in a project takes that project's settings; what a command starts must not.
    config = options.config(given, trust_project=not idle_exit)
    _write_log(config, ready_fd is not None)
    serving = partial(run, config, transports=transport, idle_exit_s=config.daemon.idle_exit_s if idle_exit else None)
    if ready_fd is None:
        serving(announce=_on_stdout)
    else:
        _told_through(ready_fd, serving)
    return 0


def _on_stdout(endpoints: Sequence[Endpoint]) -> None:
    for endpoint in endpoints:
        sys.stdout.write(f"Listening on {endpoint}\n")
    sys.stdout.flush()


def _told_through(pipe: int, serving: Callable[..., None]) -> None:
    """Serve, and tell whoever waits at the other end of the pipe: where, or what went wrong."""

    def tell(readiness: Readiness) -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(pipe, "wb") as end:
            end.write(msgspec.json.encode(readiness) + b"\n")

    try:
        serving(announce=lambda endpoints: tell(Readiness(endpoints=[str(each) for each in endpoints])))
    except PatinaError as error:
        with contextlib.suppress(OSError):  # already told: it served first and failed later
            tell(Readiness(failure=Failure.of(error)))
        raise


def _in_background(options: Options, given: dict[str, Any], transport: Sequence[str]) -> int:
    config = options.config(given, trust_project=True)
    words = [word for name in transport for word in ("--transport", name)]
    words += [word for key, value in given.items() if value is not None for word in ("--set", f"{key}={value}")]
    words += [word for setting in options.settings for word in ("--set", setting)]
    endpoints = launch(config, words, folder=str(Path.cwd()))
    if options.json:
        show_json({"endpoints": endpoints, "log": str(log_path(config))})
    else:
        show([line(f"Listening on {endpoint}") for endpoint in endpoints])
        show([line(f"Its log: {log_path(config)}")])
    return 0


def _write_log(config: Config, in_background: bool) -> None:
    """A daemon that nobody watches writes to a file that does not grow for ever; else stderr it is."""
    log = logging.getLogger()
    log.setLevel(config.daemon.log_level.upper())
    if in_background:
        path = private_folder(log_path(config).parent) / log_path(config).name
        file = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        file.setFormatter(logging.Formatter(LOG_FORMAT))
        log.handlers = [file]
