"""Starting a daemon in the background, once, however many clients want one at the same moment.

Clients take turns at a second lock, `spawn.lock`. The first finds nobody and starts a daemon; it hears through a pipe
when the doors are open, or the very error that kept them shut. The others find the daemon when their turn comes.
"""

import errno
import fcntl
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from patina.config import Config
from patina.daemon.paths import log_path, socket_path
from patina.errors import Denied, Unavailable
from patina.lock import locked_within, private_folder
from patina.types import Endpoint
from patina.wire import Failure

START_TIMEOUT_S = 60.0
PROBE_TIMEOUT_S = 2.0
LOG_TAIL_LINES = 20
MAX_READINESS_BYTES = 65_536

NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon tells the process that started it, as one line of JSON."""

    endpoints: list[str] = []
    failure: Failure | None = None


def running(config: Config) -> Endpoint | None:
    """This home's daemon, if somebody listens on its socket. Asks nothing, so a busy daemon counts too."""
    path = socket_path(config)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(os.fspath(path))
        except PermissionError:
            raise Denied(f"The socket {path} belongs to somebody else.") from None
        except OSError as error:
            # Any other error means that somebody is there, if slow to let us in.
            return None if error.errno in NOBODY else Endpoint("unix", str(path))
    return Endpoint("unix", str(path))


def ensure_running(config: Config, timeout_s: float = START_TIMEOUT_S) -> Endpoint:
    """This home's daemon, started if need be (Unix socket only, ends when idle).

    Raises the error that kept the new daemon from starting, or `Unavailable` with the end of its log.
    """
    give_up = time.monotonic() + timeout_s
    with _turn(config.home, timeout_s):
        found = running(config)
        if found is None:
            launch(config, ["--transport", "unix", "--idle-exit"], timeout_s=give_up - time.monotonic())
            found = Endpoint("unix", str(socket_path(config)))
    return found


def launch(
    config: Config, options: Sequence[str], *, folder: str = "/", timeout_s: float = START_TIMEOUT_S
) -> list[str]:
    """Run ``patina serve`` with these options in a session of its own, and return the addresses it listens at.

    Raises the error that it failed with, or `Unavailable` with the end of its log.
    """
    log = log_path(config)
    private_folder(log.parent)
    listen, tell = os.pipe()
    try:
        command = [sys.executable, "-P", "-m", "patina", "serve", *options, "--ready-fd", str(tell)]
        child = _spawn(command, config, log, folder, tell)
    finally:
        os.close(tell)
    try:
        said = _first_line(listen, time.monotonic() + timeout_s)
    finally:
        os.close(listen)
    return _ready(said, child, log)


def _spawn(command: list[str], config: Config, log: Path, folder: str, tell: int) -> subprocess.Popen[bytes]:
    """No double fork: a new session outlives us, and the system adopts it when we end."""
    environment = {**os.environ, "PATINA_HOME": str(config.home)}
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=folder,
            env=environment,
            pass_fds=[tell],
            start_new_session=True,
        )


def _first_line(pipe: int, give_up: float) -> bytes | None:
    """What comes through the pipe before its end, or None when the time is up."""
    said = b""
    while b"\n" not in said and len(said) < MAX_READINESS_BYTES:
        ready, _, _ = select.select([pipe], [], [], max(0.0, give_up - time.monotonic()))
        if not ready:
            return None
        part = os.read(pipe, MAX_READINESS_BYTES)
        if not part:
            break
        said += part
    return said


def _ready(said: bytes | None, child: subprocess.Popen[bytes], log: Path) -> list[str]:
    if said is None:
        raise Unavailable(f"The daemon (pid {child.pid}) is still starting.", hint=f"Its log is {log}.")
    try:
        readiness = msgspec.json.decode(said, type=Readiness)
    except msgspec.MsgspecError:
        readiness = Readiness()
    if readiness.failure is not None:
        raise readiness.failure.error()
    if not readiness.endpoints:
        raise Unavailable(f"The daemon ended while it started. The end of its log, {log}:\n{_tail(log)}")
    return readiness.endpoints


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])


@contextmanager
def _turn(home: Path, timeout_s: float) -> Iterator[None]:
    path = private_folder(home) / "spawn.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not locked_within(file, fcntl.LOCK_EX, timeout_s):
            raise Unavailable("Another command is still starting the daemon.", hint=f"It holds {path}.")
        yield
    finally:
        os.close(file)
