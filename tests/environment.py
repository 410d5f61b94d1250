"""A bare environment of Python, with what is installed into it; the fixtures `installed` and `bare` make it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import msgspec

PROJECT = Path(__file__).parents[1]
EXAMPLE = PROJECT / "examples" / "patina-plugin-hello"
LIMIT_S = 300


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter with `patina` beside it."""

    folder: Path
    variables: dict[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def patina(self) -> str:
        return str(self.folder / "bin" / "patina")

    def run(self, *words: str, folder: Path | None = None, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; unless `fails`, it must end with 0."""
        done = subprocess.run(
            words, cwd=folder, env=self.variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert fails or done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def but(self, **variables: str) -> Environment:
        """The same with other environment variables."""
        return msgspec.structs.replace(self, variables=self.variables | variables)


def build(source: Path, into: Path) -> Path:
    """The wheel of a source tree. Offline when hatchling is at hand."""
    offline = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    into.mkdir()
    call(*pip, "wheel", "--no-deps", *offline, "-w", str(into), str(source))
    (wheel,) = into.glob("*.whl")
    return wheel


def call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
