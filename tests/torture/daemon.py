"""The real daemon as a process of its own, with the fake embedder as a plugin that is installed like any other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.torture.zygote import PROJECT

from patina.config import Config

LISTENING = "Listening on "
DOORS = 2
MODULE = "torture_embedder"
SEGMENT_SIZE, TAIL_MAX = 32, 64


class Daemon:
    """A home, and whoever serves it."""

    def __init__(self, folder: Path, errors: Path) -> None:
        self.home = folder / "home"
        self._errors = errors
        self._plugins = folder / "plugins"
        self._environment = self._variables(folder)
        self._process: subprocess.Popen[str] | None = None
        self.addresses: list[str] = []
        _install(self._plugins)

    @property
    def config(self) -> Config:
        """A client's: everything else is the daemon's business."""
        return Config(home=self.home)

    def start(self) -> None:
        """Returns once it listens."""
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "patina", "serve"],
                env=self._environment,
                cwd=self.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        said = [self._process.stdout.readline().strip() for _ in range(DOORS)]
        assert all(line.startswith(LISTENING) for line in said), f"{said}: {self._errors.read_text()[-2000:]}"
        self.addresses = [line.removeprefix(LISTENING) for line in said]

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate()
        code, self._process = self._process.returncode, None
        return code

    def _variables(self, folder: Path) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "XDG_"))}
        paths = [str(self._plugins), str(PROJECT), inherited.get("PYTHONPATH", "")]
        return {
            **inherited,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PATINA_HOME": str(self.home),
            "PATINA_SOCKET": str(folder / "s"),
            "PATINA_DAEMON_PORT": "0",
            "PATINA_DEFAULTS_EMBEDDER": "fake",
            "PATINA_INDEXES_HYBRID_SEGMENT_SIZE": str(SEGMENT_SIZE),
            "PATINA_INDEXES_HYBRID_TAIL_MAX": str(TAIL_MAX),
        }


def _install(folder: Path) -> None:
    """A distribution that offers the fakes."""
    record = folder / f"{MODULE}-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(f"[patina]\nfakes = {MODULE}:plugin\n")
    (folder / f"{MODULE}.py").write_text("from patina.testing.plugin import FakePlugin\n\nplugin = FakePlugin()\n")
