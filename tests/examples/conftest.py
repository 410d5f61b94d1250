"""An environment into which Patina and the example plugin are installed as a user would, and nothing else of ours."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

PROJECT = Path(__file__).parents[2]
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


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheels of Patina and of the example.

    Everything that they depend on is lent by the environment that runs the tests, through a path file: it is large,
    and not what is tested. A path file does not bring an editable installation along, so `patina` is the wheel's.
    """
    folder = tmp_path_factory.mktemp("bare")
    venv = folder / "venv"
    _call(sys.executable, "-m", "venv", "--without-pip", str(venv))
    offline = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    _call(*pip, "wheel", "--no-deps", *offline, "-w", str(folder), str(PROJECT), str(EXAMPLE))
    wheels = map(str, folder.glob("*.whl"))
    _call(*pip, "--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", *wheels)
    packages = next((venv / "lib").glob("python*/site-packages"))
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (packages / "lent.pth").write_text("\n".join(lent))
    return venv


@pytest.fixture
def bare(installed: Path, tmp_path: Path) -> Environment:
    """The environment with a home of its own; no command starts a daemon behind the test's back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "PYTHON"))}
    ours = {"PATINA_HOME": str(tmp_path / "home"), "PATINA_AUTO_START": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return Environment(folder=installed, variables=kept | ours)


def _call(*words: str, variables: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
