"""What a system must do to be measured."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

from benchmarks.store.passages import Batch, Question

WINDOW = 50
"""How many candidates each arm gives where a system leaves that open."""


class System(Protocol):
    """Keeps passages with their vectors in a folder and finds them by words, by meaning, and by both.

    Passages are named by their numbers, and every answer is their numbers, best first. `load` is called from one
    thread, the questions from another, also at the same time.
    """

    packages: tuple[str, ...]
    """The distributions whose versions are told."""
    batch: int
    """How many passages at a time it likes to be given."""

    def open(self, folder: Path) -> None:
        """Open what is in the folder, or begin anew in an empty one."""

    def load(self, batch: Batch) -> None:
        """Take in whole documents."""

    def durable(self) -> None:
        """Return when all that was loaded is on the disk, as well as this system ever brings it there."""

    def settle(self) -> None:
        """Build and tidy up whatever its documentation advises before questions are asked."""

    def hybrid(self, question: Question, count: int) -> list[int]: ...

    def by_words(self, question: Question, count: int) -> list[int]: ...

    def by_meaning(self, question: Question, count: int) -> list[int]: ...

    def close(self) -> None: ...


SYSTEMS = {
    "patina": "benchmarks.store.systems.patina",
    "floor": "benchmarks.store.systems.floor",
    "lancedb": "benchmarks.store.systems.lance",
    "chromadb": "benchmarks.store.systems.chroma",
    "milvus-lite": "benchmarks.store.systems.milvus",
}
"""Modules with a class `Measured`."""


def system(name: str) -> System:
    made: System = import_module(SYSTEMS[name]).Measured()
    return made
