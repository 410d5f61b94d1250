"""Hypothesis thinks up stories for the store and its indexes: whatever happens, they hold what was acknowledged.

The model is the judge of the histories. A crash is a copy of the files as they lie, with writes under way, and a new
start from the copy; the log of writes is not moved meanwhile, or the copy would be of two moments.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.torture import look, workload
from tests.torture.content import lines
from tests.torture.history import AnyEvent, Began, Cut, Judge, Notebook
from tests.torture.script import PATHS, Step
from tests.torture.workload import REPOS, Client

repos = st.sampled_from(REPOS)
paths = st.lists(st.sampled_from(PATHS[:6]), unique=True, min_size=1, max_size=4)
gone_paths = st.lists(st.sampled_from(PATHS[:6]), unique=True, max_size=2)
NEVER = 1 << 30


class Model(Notebook):
    """Writes the story down and judges it as it goes on."""

    def __init__(self, path: Path, began: Began) -> None:
        super().__init__(path)
        self.judge = Judge()
        self.note(began)

    def note(self, event: AnyEvent) -> None:
        super().note(event)
        self.judge.hear(event)


class Story(RuleBasedStateMachine):
    """One home, from its first write on."""

    folder: Path
    notes: Path
    numbers: Iterator[int]
    began: Began

    @initialize()
    def begin(self) -> None:
        self.number = next(self.numbers)
        self.model = Model(self.notes / f"story-{self.number:04}.jsonl", self.began)
        self.homes = [self._home()]
        self.versions = itertools.count(1)
        self.client = Client(self.homes[-1], self.model)

    @rule(repo=repos, put=paths, gone=gone_paths, wait=st.booleans())
    def write(self, repo: str, put: list[str], gone: list[str], wait: bool) -> None:
        version = next(self.versions)
        puts = {path: lines(repo, path, version % 7) for path in put if path not in gone}
        self._take("write", repo, puts=puts, deletes=tuple(gone), wait=wait)

    @rule(repo=repos)
    def embed(self, repo: str) -> None:
        self._take("embed", repo)

    @rule(repo=repos)
    def follow(self, repo: str) -> None:
        self._take("follow", repo)

    @rule(repo=repos)
    def follow_again(self, repo: str) -> None:
        """To the end, and then from the beginning of the log, over what is held already."""
        self._take("follow", repo)
        self.client.home.applied[repo] = 0
        self._take("follow", repo)

    @rule(repo=repos)
    def checkpoint(self, repo: str) -> None:
        self._take("checkpoint", repo)

    @rule()
    def sweep(self) -> None:
        self._take("sweep")

    @rule()
    def drop(self) -> None:
        """The one of the two collections; the other grows."""
        self._take("drop", "scrap")

    @rule()
    def look(self) -> None:
        self.client.settle()
        self.model.note(look.seen(self.client.home, time.monotonic(), alive=True))
        self._agree()

    @rule()
    def reopen(self) -> None:
        self._take("reopen")

    @rule()
    def crash(self) -> None:
        """The store's file first, then its log of writes, which only grows meanwhile."""
        old, new = self.homes[-1], self._home()
        new.mkdir()
        for name in ("patina.db", "patina.db-wal"):
            if (old / name).exists():
                shutil.copy(old / name, new / name)
        shutil.copytree(old / "indexes", new / "indexes", ignore=shutil.ignore_patterns("live"))
        self.model.note(Cut(how="crash"))
        self._leave()
        self.homes.append(new)
        self.client = Client(new, self.model, first_op=self.client.next_op)
        self.model.note(look.seen(self.client.home, time.monotonic()))
        self._agree()

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.look()
            self.crash()
            self._leave()
            for home in self.homes:
                shutil.rmtree(home)
            self.model.close()

    def _take(self, do: Any, repo: str = "papers", **fields: Any) -> None:
        self.client.take([(0, Step(do, repo, **fields))], settle=fields.get("wait", True))

    def _leave(self) -> None:
        """End the old home without a word in the history: for it the machine has crashed."""
        self.client.abandon()

    def _agree(self) -> None:
        assert self.model.judge.verdict.good, self.model.judge.verdict.problems

    def _home(self) -> Path:
        return self.folder / f"home-{next(self.numbers)}"


def play(folder: Path, notes: Path, began: Began, examples: int, steps: int) -> None:
    """Raises AssertionError when a story goes wrong: with the shortest that does, which takes minutes to find.

    If a bug was planted, then with any.
    """
    workload.CHECKPOINT_PAGES = NEVER
    fields = {"folder": folder, "notes": notes, "began": began, "numbers": itertools.count()}
    machine = type("Story", (Story,), fields)
    folder.mkdir(parents=True, exist_ok=True)
    run_state_machine_as_test(
        seed(began.seed)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate] if began.bug else [Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
