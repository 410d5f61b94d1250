"""One damaged file of an index after another, and what the next start makes of it."""

from __future__ import annotations

import itertools
import random
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.torture.damage import DAMAGES, targets
from tests.torture.history import Cut, Seen, judged, read
from tests.torture.part import Part
from tests.torture.zygote import Zygote


class Case(NamedTuple):
    """A file below the home, and what lies there instead."""

    kind: str
    file: Path
    content: bytes


class Spoils:
    """A good home, and copies of it in which one file is bad."""

    def __init__(self, part: Part, zygote: Zygote) -> None:
        self._part = part
        self._good = part.scratch / "good"
        self._notes = part.folder / "good.jsonl"
        self._lock = threading.Lock()
        part.notebook("good").close()
        assert zygote.run("generations", home=self._good, notes=self._notes, seed=part.seed) == 0, part.errors()
        self._history = read(self._notes)
        self._before = self._recovered(zygote, "undamaged")
        self.kinds: Counter[str] = Counter()
        self.signals = self.detected = self.rebuilt = 0

    def cases(self, dice: random.Random) -> Iterator[Case]:
        """Every kind of damage in turn, for ever, to any file; none twice, and none that changes nothing."""
        found = targets(self._good / "indexes", self._good / "indexes.older")
        done: set[tuple[Path, bytes]] = set()
        for damage in itertools.cycle(DAMAGES):
            for target in dice.sample(found, len(found)):
                content = damage(target, dice)
                if content != target.path.read_bytes() and (target.path, content) not in done:
                    done.add((target.path, content))
                    yield Case(damage.__name__, target.path.relative_to(self._good), content)
                    break

    def work(self, zygote: Zygote, cases: Sequence[Case]) -> None:
        """Try the cases, up to the first fault that is found."""
        for case in cases:
            if self._part.verdict.good:
                self._try(zygote, case)

    def _recovered(self, zygote: Zygote, name: str, case: Case | None = None) -> Seen | int:
        """What the next start holds, from a copy of the good home with that one file damaged; or how it ended."""
        home, notes = self._part.scratch / name, self._part.folder / f"{name}.jsonl"
        shutil.copytree(self._good, home)
        shutil.copy(self._notes, notes)
        if case is not None:
            (home / case.file).write_bytes(case.content)
            notebook = self._part.notebook(name)
            notebook.note(Cut(how=case.kind, where=str(case.file), damaged=True))
            notebook.close()
        ended = zygote.run("recover", home=home, notes=notes)
        shutil.rmtree(home)
        return ended or next(event for event in reversed(read(notes)) if isinstance(event, Seen))

    def _try(self, zygote: Zygote, case: Case) -> None:
        with self._lock:
            number = self.kinds.total()
            self.kinds[case.kind] += 1
        seen = self._recovered(zygote, f"damage-{number:03}", case)
        with self._lock:
            self._judge(seen, case)

    def _judge(self, seen: Seen | int, case: Case) -> None:
        """Falling back behind the last checkpoint is what an index must do here: that is counted."""
        before = self._before
        assert isinstance(before, Seen), f"the undamaged home ended with {before}"
        if isinstance(seen, int):
            self.signals += seen < 0
            self._part.verdict.complain(f"{case.file} {case.kind}: the next start ended with {seen}")
            return
        repo = case.file.parts[1]
        verdict = judged([*self._history, Cut(how=case.kind, damaged=True), seen])
        verdict.acknowledged = 0  # before the damage, and the same each time
        verdict.looked = 1
        self._part.verdict.add(verdict)
        believed = (seen.repos[repo].resumed or 0) >= (before.repos[repo].resumed or 0)
        self.detected += not believed
        self.rebuilt += _same(seen, before)
        if believed:
            self._part.verdict.complain(f"{case.file} {case.kind}: it was believed")


def _same(seen: Seen, before: Seen) -> bool:
    """Whether every arm holds what it held before the damage."""
    return _content(seen) == _content(before)


def _content(seen: Seen) -> object:
    return {repo: (held.documents, held.arms) for repo, held in seen.repos.items()}
