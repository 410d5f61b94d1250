"""`patina serve`: run the daemon."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from patina.cli._lines import line, show, show_json
from patina.cli._options import OPTIONS, Options
from patina.daemon.log import write_log
from patina.daemon.paths import log_path
from patina.daemon.serve import Announce, run
from patina.daemon.start import Readiness, launch
from patina.errors import PatinaError
from patina.types import Endpoint
from patina.wire import Failure

Hidden = Parameter(show=False)


def serve(  # noqa: PLR0913 - each is an option
    *,
    host: Annotated[str | None, Parameter(help="The address to listen at.")] = None,
    port: Annotated[int | None, Parameter(help="The port; 0 picks a free one.")] = None,
    transport: Annotated[tuple[str, ...], Parameter(help="Open this door; repeatable.")] = (),
    background: Annotated[
        bool, Parameter(name="--daemon", help="Return once it answers; it goes on in the background.")
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

    def serving(announce: Announce) -> None:
        # What a person starts in a project takes that project's settings; what a command starts must not.
        config = options.config(given, trust_project=not idle_exit)
        write_log(config, to_file=ready_fd is not None, debug=options.debug)
        idle_exit_s = config.daemon.idle_exit_s if idle_exit else None
        run(config, transports=transport, announce=announce, idle_exit_s=idle_exit_s)

    if ready_fd is None:
        serving(_print_json if options.json else _print_lines)
    else:
        _told_through(ready_fd, serving)
    return 0


def _print_lines(endpoints: Sequence[Endpoint]) -> None:
    show([line(f"Listening on {endpoint}") for endpoint in endpoints])
    sys.stdout.flush()


def _print_json(endpoints: Sequence[Endpoint]) -> None:
    show_json({"pid": os.getpid(), "endpoints": [str(endpoint) for endpoint in endpoints]})
    sys.stdout.flush()


def _told_through(pipe: int, serving: Callable[[Announce], None]) -> None:
    """Serve, and tell whoever waits at the other end of the pipe: where, or what went wrong."""
    end = os.fdopen(pipe, "wb")

    def tell(readiness: Readiness) -> None:
        with contextlib.suppress(BrokenPipeError), end:
            end.write(msgspec.json.encode(readiness) + b"\n")

    try:
        serving(lambda endpoints: tell(Readiness(endpoints=[str(each) for each in endpoints])))
    except PatinaError as error:
        if not end.closed:
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
        show([*(line(f"Listening on {endpoint}") for endpoint in endpoints), line(f"Its log: {log_path(config)}")])
    return 0
