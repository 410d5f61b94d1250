"""docs/how-to/write-a-plugin.md, followed to the letter by somebody who has nothing yet."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ..environment import LIMIT_S, Environment
from .pages import PAGES, blocks

pytestmark = pytest.mark.package

TEXT = (PAGES / "how-to" / "write-a-plugin.md").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Every block that is a file, written down."""
    folder = tmp_path / "patina-plugin-tally"
    for block in blocks(TEXT):
        if block.title and not block.title.startswith("~"):
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    return folder


def test_the_way_leads_to_a_plugin_that_works(bare: Environment, project: Path, tmp_path: Path) -> None:
    environment = bare.but(PYTHONPATH=str(tmp_path / "installed"), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    home = Path(environment.variables["PATINA_HOME"])
    home.mkdir(mode=0o700)
    (config,) = [block for block in blocks(TEXT) if block.title == "~/.patina/config.toml"]
    said: dict[str, str] = {}
    for block in blocks(TEXT, "console"):
        for command in block.commands:
            said[command] = follow(command, environment, project, tmp_path / "installed")
        (home / "config.toml").write_text(config.text)  # what stands after the first console
    listed = json.loads(environment.run(environment.patina, "plugins", "--json").stdout)
    assert [plugin["offers"] for plugin in listed if plugin["name"] == "tally"] == [["embedder tally"]]
    assert " passed" in said["python -m pytest"]
    assert "skipped" not in said["python -m pytest"]
    assert "embedder tally" in said["patina plugins"]
    assert "embedder.py" in said['patina scry "DIMENSION = 257" --mode semantic']


def follow(command: str, environment: Environment, project: Path, installed: Path) -> str:
    """Run a line of the page in the project's folder, and return what it printed."""
    words = shlex.split(command)
    match words[0]:
        case "pip":  # into a folder of its own: the environment is shared, and takes no editable installation
            install(project, installed)
            return ""
        case "python":
            return environment.run(environment.python, *words[1:], "-p", "no:cacheprovider", folder=project).stdout
        case "patina":
            return environment.run(environment.patina, *words[1:], folder=project).stdout
    raise AssertionError(f"the page has a command that nobody tests: {command}")


def install(project: Path, installed: Path) -> None:
    offline = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    words = ["install", "--no-deps", *offline, "--target", str(installed), str(project)]
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
