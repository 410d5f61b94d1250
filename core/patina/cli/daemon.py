"""`patina daemon`: about the daemon of this home, wherever questions may go otherwise. Never starts one."""

from cyclopts import App

from patina import lock
from patina.cli._lines import Piece, line, show, show_json
from patina.cli._options import HABITS, OPTIONS, Options
from patina.cli._reach import running_daemon, wait_for
from patina.cli.status import daemon_lines
from patina.config import Config
from patina.daemon.paths import log_path
from patina.errors import TimedOut
from patina.wire import Shutdown, StatusReply, Stopping

GRACE_S = 5.0
"""What closing the store may take on top of `drain_timeout_s`."""


def group() -> App:
    """The command group."""
    app = App(name="daemon", default_parameter=HABITS, help="See and end the daemon of this home.")
    app.command(status)
    app.command(stop)
    return app


def status(options: Options = OPTIONS) -> int:
    """Who it is and where it listens."""
    config = options.config()
    reply = wait_for(_status(config, options.verbose))
    if options.json:
        show_json(
            {
                "version": reply.version,
                "pid": reply.pid,
                "home": reply.home,
                "uptime_s": reply.uptime_s,
                "endpoints": reply.endpoints,
                "log": str(log_path(config)),
            }
        )
    else:
        show([*daemon_lines(reply), line(Piece("log       ", "dim"), str(log_path(config)))])
    return 0


def stop(options: Options = OPTIONS) -> int:
    """End it, once what is in flight has ended."""
    config = options.config()
    stopping = wait_for(_stop(config, options.verbose))
    if not lock.wait_until_free(config.home, config.daemon.drain_timeout_s + GRACE_S):
        raise TimedOut(
            f"The daemon (pid {stopping.pid}) has been told to end and has not yet.", hint=f"See {log_path(config)}."
        )
    if options.json:
        show_json(stopping)
    else:
        show([line(f"The daemon (pid {stopping.pid}) has ended.")])
    return 0


async def _status(config: Config, verbose: bool) -> StatusReply:
    async with running_daemon(config, verbose=verbose, local=True) as client:
        return await client.status()


async def _stop(config: Config, verbose: bool) -> Stopping:
    async with running_daemon(config, verbose=verbose, local=True) as client:
        return await client.handle(Shutdown())
