"""How a contract's tests are called one by one, outside of pytest's own collection."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[[object, str], None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call one test of a contract, with `tmp_path` if it wants one."""

    def call(contract: object, test: str) -> None:
        method = getattr(contract, test)
        method(*[tmp_path] * ("tmp_path" in inspect.signature(method).parameters))

    return call
