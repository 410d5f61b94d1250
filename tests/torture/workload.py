"""The scripted client at work on a real store and a real index, in a process that may end at any moment."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.torture import content
from tests.torture.history import Acknowledged, Asked, Notebook, Refused, What
from tests.torture.script import BATCH, Step

from patina.errors import PatinaError
from patina.store import Store, Write, writer
from patina.types import Stamp
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

REPOS = ("papers", "scrap")
SETTINGS = HybridSettings(segment_size=8, tail_max=16)
"""So small that a few documents fill segments, and a few more make them merge."""
PAGE = 50
CHECKPOINT_PAGES = 60
"""Likewise for the log of writes."""
CLIENT = "script"


class Home:
    """A store with an index for each collection, as the daemon has them, without the daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(folder)
        self.indexes: dict[str, HybridIndex] = {}
        self.resumed: dict[str, int] = {}
        """How far each index was when it was opened."""
        self.applied: dict[str, int] = {}
        self.saved: dict[str, int] = {}
        """What of that would survive a crash."""
        try:
            for name in REPOS:
                self._open(name)
        except BaseException:
            self.close()
            raise

    def _open(self, name: str) -> None:
        if self.store.collection(name) is None:
            self.store.save_collection(content.collection(name)).result()
        index = self.indexes[name] = HybridIndex(SETTINGS)
        stamp = Stamp(collection=name, identity=content.IDENTITY, dimension=content.DIMENSION)
        self.resumed[name] = self.applied[name] = index.open(self.folder / "indexes" / name, stamp)
        if not self.store.swept(name) <= self.applied[name] <= self.store.head(name):  # as the shelf does
            index.drop()
            self.applied[name] = 0
        self.saved[name] = self.applied[name]

    def follow(self, repo: str) -> int:
        """Bring the index to the end of the log, and say where that is."""
        while changes := self.store.changes(repo, self.applied[repo], PAGE):
            self.indexes[repo].apply(changes)
            self.applied[repo] = changes[-1].seq
        return self.applied[repo]

    def checkpoint(self, repo: str) -> int:
        """Save the index, once the store is on the disk as far."""
        self.store.commit().result()
        return self.indexes[repo].checkpoint()

    def rest(self, repo: str) -> dict[str, int]:
        """Leave the background work of the index some time, until its numbers have stood still for a moment; these."""
        seen: deque[dict[str, int]] = deque(maxlen=4)
        while len(seen) < 4 or any(one != seen[0] for one in seen):
            seen.append(self.indexes[repo].stats())
            time.sleep(0.002)
        return seen[-1]

    def close(self) -> None:
        for index in self.indexes.values():
            index.close()
        self.store.close()


def open_store(folder: Path) -> Store:
    """With checkpoints of the log of writes every few commits."""
    if not hasattr(writer, "CHECKPOINT_PAGES"):
        raise AttributeError("the store's writer has no CHECKPOINT_PAGES any more: the suite must set it elsewhere")
    writer.CHECKPOINT_PAGES = CHECKPOINT_PAGES
    return Store.open(folder / "patina.db")


class Client:
    """Takes the steps, and writes down what it asks for and what it is told."""

    def __init__(self, folder: Path, notebook: Notebook, first_op: int = 1) -> None:
        self._folder = folder
        self._notebook = notebook
        self.next_op = first_op
        self._waiting: deque[tuple[Asked, Callable[[], int]]] = deque()
        self.home = Home(folder)
        self.merged = False
        """Whether a segment is larger than one that was only sealed."""
        self.refusals: list[str] = []
        """The codes of what was refused."""
        self.on_acknowledged: Callable[[Asked], None] = lambda _: None

    def take(self, steps: Iterable[tuple[int, Step]], *, settle: bool = True) -> None:
        """Do the numbered steps; without `settle` writes may be under way when it returns."""
        for number, step in steps:
            getattr(self, f"_{step.do}")(step, number)
        if settle:
            self.settle()

    def settle(self) -> None:
        """Hear of everything that is under way."""
        while self._waiting:
            self._hear(*self._waiting.popleft())

    def abandon(self) -> None:
        """Close the home and write nothing down: for the history it is as if the process had ended."""
        self._waiting.clear()
        self.home.close()

    def _ask(self, asked: Asked, work: Callable[[], Callable[[], int]]) -> None:
        """Write it down, begin it, and wait for it some time later."""
        self._notebook.note(asked)
        self._waiting.append((asked, work()))

    def _hear(self, asked: Asked, outcome: Callable[[], int]) -> None:
        try:
            seq = outcome()
        except PatinaError as error:
            self.refusals.append(error.code)
            self._notebook.note(Refused(client=CLIENT, op=asked.op, code=error.code, message=str(error)))
        else:
            self._notebook.note(Acknowledged(client=CLIENT, op=asked.op, seq=seq))
            if asked.what == "checkpoint":
                self.home.saved[asked.repo] = seq
            self.on_acknowledged(asked)

    def _write(self, step: Step, number: int) -> None:
        entries = [content.entry(step.repo, path, passages) for path, passages in step.puts.items()]
        puts = {path: tuple(content.digests(passages)) for path, passages in step.puts.items()}
        cursor = (CLIENT, str(number)) if step.repo == "papers" else None
        write = Write(collection=step.repo, puts=entries, deletes=list(step.deletes), cursor=cursor, ack=step.ack)
        asked = self._next("write", repo=step.repo, puts=puts, deletes=step.deletes, ack=step.ack)
        self._ask(asked, lambda: self.home.store.write(write).result)
        if step.wait:
            self.settle()

    def _embed(self, step: Step, _number: int) -> None:
        self.settle()
        missing = tuple(one.digest for one in self.home.store.missing(step.repo, BATCH))
        if missing:
            vectors = {digest: content.vector(digest) for digest in missing}
            asked = self._next("vectors", digests=missing)
            self._ask(asked, lambda: self.home.store.put_vectors(content.IDENTITY, vectors).result)

    def _follow(self, step: Step, _number: int) -> None:
        self.settle()
        self._ask(self._next("follow", repo=step.repo), lambda: lambda: self.home.follow(step.repo))
        self.settle()

    def _rest(self, step: Step, _number: int) -> None:
        self.home.rest(step.repo)

    def _merge(self, step: Step, _number: int) -> None:
        """Have segments merged at once that would wait for quiet times, however little the machine gives to that."""
        self.home.indexes[step.repo]._dense.settle()
        stats = self.home.rest(step.repo)
        rows = stats["dense_vectors"] + stats["dense_dead"]
        self.merged |= rows >= SETTINGS.segment_size * (stats["dense_segments"] + 1)

    def _checkpoint(self, step: Step, _number: int) -> None:
        self.settle()
        self._ask(self._next("checkpoint", repo=step.repo), lambda: lambda: self.home.checkpoint(step.repo))
        self.settle()

    def _sweep(self, _step: Step, _number: int) -> None:
        self.settle()
        self._ask(self._next("sweep"), lambda: self.home.store.sweep_log(self.home.saved).result)
        self._ask(self._next("sweep"), lambda: self.home.store.sweep_vectors().result)
        self.settle()

    def _drop(self, step: Step, _number: int) -> None:
        self.settle()
        self._ask(self._next("drop", repo=step.repo), lambda: self.home.store.drop_collection(step.repo).result)
        self.settle()
        with suppress(PatinaError):
            self.home.store.save_collection(content.collection(step.repo)).result()

    def _reopen(self, _step: Step, _number: int) -> None:
        """Raises `PatinaError` when a failing disk keeps the home from being opened."""
        self.settle()
        self.home.close()
        self.home = Home(self._folder)

    def _next(self, what: What, **fields: Any) -> Asked:
        op, self.next_op = self.next_op, self.next_op + 1
        return Asked(client=CLIENT, op=op, what=what, **fields)
