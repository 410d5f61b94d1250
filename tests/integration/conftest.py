"""A home and the real command, run as a process of its own. No model: words alone are searched, and fast."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from patina import lock

from ..privilege import BOUND_BY_MODES
from .forking import TIMEOUT_S, Forking

LISTENING = "Listening on "


@dataclass
class House:
    """One home, the environment of its commands, and a folder that they are run in."""

    home: Path
    work: Path
    forking: Forking
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self, *words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        environment = {**self.env, **(env or {})}
        if BOUND_BY_MODES not in environment:
            return self.forking.run(list(map(str, words)), cwd or self.work, environment)
        return subprocess.run(
            self.command(*words),
            cwd=cwd or self.work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def ok(self, *words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """What a command prints that must succeed."""
        done = self.run(*words, cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Any:
        return json.loads(self.ok(*words, "--json", cwd=cwd, env=env))

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-P", "-m", "patina", *map(str, words)]

    @contextmanager
    def serving(self, *words: str, cwd: Path | None = None) -> Iterator["Serving"]:
        """A daemon in the foreground, ready; killed at the end if it has not ended by then."""
        process = subprocess.Popen(
            self.command("serve", *words),
            cwd=cwd or self.work,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        with process:
            try:
                yield Serving(process)
            finally:
                process.kill()

    def daemon_pid(self) -> int:
        """The daemon's process id, by its own answer."""
        return int(self.json("ping")["pid"])

    def end_daemon(self) -> None:
        """End whatever a test has left running."""
        if lock.wait_until_free(self.home, 0):
            return
        self.run("daemon", "stop")
        if not lock.wait_until_free(self.home, 0) and (holder := lock.holder(self.home)):
            with suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
            lock.wait_until_free(self.home, TIMEOUT_S)


class Serving:
    """A daemon in the foreground."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._addresses: list[str] = []

    def addresses(self, number: int = 2) -> list[str]:
        """Where it listens; returns once it has printed so many."""
        assert self.process.stdout is not None
        while len(self._addresses) < number:
            said = self.process.stdout.readline()
            assert said.startswith(LISTENING), said or self.process.communicate()[1]
            self._addresses.append(said.removeprefix(LISTENING).strip())
        return self._addresses

    def ends(self, by: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit code and what it said on stderr, once it has ended."""
        if by is not None:
            self.process.send_signal(by)
        _, err = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, err


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    with Forking() as forking:
        yield forking


@contextmanager
def built(folder: Path, forking: Forking) -> Iterator[House]:
    """A new home with nothing in it and nothing running; port 0, so that tests can run beside each other."""
    no_model = folder / "no-model"
    work = folder / "work"
    no_model.mkdir()
    work.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "XDG_"))}
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as short:  # a socket's path is at most 104 bytes long
        env = {
            **inherited,
            "PATINA_HOME": str(folder / "home"),
            "PATINA_SOCKET": f"{short}/s",
            "PATINA_DAEMON_PORT": "0",
            "PATINA_EMBEDDERS_ONNX_MODEL": str(no_model),
            "COLUMNS": "200",
        }
        house = House(folder / "home", work, forking, env)
        yield house
        house.end_daemon()


def written(folder: Path) -> Path:
    """Two short documents."""
    folder.mkdir()
    (folder / "rotation.md").write_text(
        "# Logging\n\n## Rotating files\n\nLogs are rotated when they reach a megabyte.\n\n"
        "## Levels\n\nThere are five levels of severity.\n"
    )
    (folder / "bread.md").write_text("# Bread\n\nKnead the dough for ten minutes and let it rest.\n")
    return folder


@pytest.fixture
def house(tmp_path: Path, forking: Forking) -> Iterator[House]:
    with built(tmp_path, forking) as house:
        yield house


@pytest.fixture
def notes(house: House) -> Path:
    """A folder with two short documents."""
    return written(house.work / "notes")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, forking: Forking) -> Iterator[House]:
    """For all tests of a file that only look: these two documents are indexed, and the daemon runs."""
    with built(tmp_path_factory.mktemp("library"), forking) as house:
        house.ok("index", written(house.work / "notes"))
        yield house
