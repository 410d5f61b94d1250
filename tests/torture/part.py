"""One part of the suite, from its seed to its line."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from tests.torture.history import Began, Notebook, Verdict

SHOWN = 20
ERROR_CHARACTERS = 2000


class Part(msgspec.Struct, kw_only=True):
    """One part of the suite: its name, its seed, its histories and what came of them."""

    name: str
    seed: int
    folder: Path
    """Where its histories are kept."""
    scratch: Path
    """In memory where possible; removed at the end."""
    lines: list[str]
    started: float
    bug: str = ""
    """What is planted in the source."""
    verdict: Verdict = msgspec.field(default_factory=Verdict)

    def notebook(self, name: str) -> Notebook:
        notebook = Notebook(self.folder / f"{name}.jsonl")
        notebook.note(Began(part=self.name, seed=self.seed, bug=self.bug))
        return notebook

    def errors(self) -> str:
        """The end of what its children wrote to stderr."""
        return "\n".join(file.read_text()[-ERROR_CHARACTERS:] for file in self.folder.glob("errors-*.txt"))

    def says(self, what: str) -> str:
        """Add a line to what is printed at the end."""
        line = f"{self.name} (seed {self.seed}): {what}; {time.monotonic() - self.started:.0f} s"
        self.lines.append(line)
        return line

    def ends(self, what: str) -> None:
        """Print the part's line, and fail unless all is well."""
        line = self.says(f"{what}: {self.verdict}")
        assert self.verdict.good, "\n".join([line, *self.verdict.problems[:SHOWN]])
