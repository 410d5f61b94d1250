"""Real text that is on every machine: the standard library of the Python that runs this, and questions about it."""

from __future__ import annotations

from pathlib import Path

from benchmarks import quality

STDLIB = quality.STDLIB


def packages() -> list[Path]:
    """The packages that the questions are about."""
    return [STDLIB / name for name in quality.questions().packages]


def questions() -> list[str]:
    return [question.ask for question in quality.questions().question]
