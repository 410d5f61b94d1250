"""Pytest fixtures for plugins: ``pytest_plugins = ["patina.testing.fixtures"]`` in a conftest.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def patina_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, empty: `PATINA_HOME` names it, and every other `PATINA_*` is out of the way."""
    for name in [name for name in os.environ if name.startswith("PATINA_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("PATINA_HOME", str(home))
    return home
