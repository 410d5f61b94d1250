from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str], Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def user_file(home: Path) -> Write:
    """Writes the user's own configuration."""

    def write(text: str) -> Path:
        return _written(home / "config.toml", text)

    return write


@pytest.fixture
def project_file(project: Path) -> Write:
    """Writes the configuration of a project."""

    def write(text: str) -> Path:
        return _written(project / ".patina" / "config.toml", text)

    return write


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
