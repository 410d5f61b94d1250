"""Real text that is on every machine: the standard library of the Python that runs this, and questions about it."""

from __future__ import annotations

import sysconfig
import tomllib
from pathlib import Path
from typing import Any

STDLIB = Path(sysconfig.get_path("stdlib"))
_QUESTIONS = Path(__file__).with_name("questions.toml")


def judged() -> dict[str, Any]:
    """The packages that the questions are about, and the questions."""
    with _QUESTIONS.open("rb") as file:
        return tomllib.load(file)


def packages() -> list[Path]:
    return [STDLIB / name for name in judged()["packages"]]


def questions() -> list[str]:
    return [question["ask"] for question in judged()["question"]]


def texts(chunks: Path) -> list[str]:
    """The Python files of a folder."""
    return [path.read_text(errors="replace") for path in sorted(chunks.rglob("*.py"))]
