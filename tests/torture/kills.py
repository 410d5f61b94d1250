"""Kills at one numbered call after another, and what the next start makes of what is left."""

from __future__ import annotations

import itertools
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
from msgspec.structs import replace
from tests.torture import jobs
from tests.torture.faults import Calls, Fault
from tests.torture.history import Acknowledged, AnyEvent, Asked, Cut, Seen, judged, read
from tests.torture.part import Part
from tests.torture.script import CHAPTER
from tests.torture.zygote import PROJECT, Zygote

FORMAT_1 = PROJECT / "tests" / "unit" / "store" / "resources" / "format-1.sql"


class Kills:
    """Numbers are handed out to two threads until one lies behind the script's end."""

    def __init__(self, part: Part, zygote: Zygote, fault: Fault, resumed_every: int) -> None:
        """Which calls are counted is said by `fault`. Of `resumed_every` kills one is followed by the rest of the
        script, which must end like an undisturbed one.
        """
        self._part = part
        self._fault = fault
        self._resumed_every = resumed_every
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._over = False
        self.met: list[str] = []
        """The calls at which a process was killed: their number, name and file."""
        self.slowest_s = 0.0
        """The longest that a next start took, with looking at everything."""
        self.merged = False
        """Whether the script has merged segments, undisturbed."""
        self._undisturbed = self._run_undisturbed(zygote)

    def work(self, zygote: Zygote) -> None:
        for number in self._points():
            name = f"point-{number:04}"
            home, notes = self._part.scratch / name, self._part.folder / f"{name}.jsonl"
            notebook = self._part.notebook(name)
            where = self._killed(zygote, home, notes, number)
            if where is None:
                self._over = True
                notes.unlink()
                return
            notebook.note(Cut(how="SIGKILL", where=where))
            notebook.close()
            resumed = number % self._resumed_every == 0
            ended = zygote.run(
                "recover", home=home, notes=notes, seed=self._part.seed, count=CHAPTER if resumed else None
            )
            shutil.rmtree(home)
            self._judge(notes, where, ended, resumed)

    def _run_undisturbed(self, zygote: Zygote) -> Seen:
        part = self._part
        home, notes = part.scratch / "undisturbed", part.folder / "undisturbed.jsonl"
        part.notebook("undisturbed").close()
        ended = zygote.run("write", home=home, notes=notes, seed=part.seed, count=CHAPTER)
        assert ended in {0, jobs.NOTHING_MERGED}, part.errors()
        self.merged = ended == 0
        return _looks(notes)[-1]

    def _killed(self, zygote: Zygote, home: Path, notes: Path, number: int) -> str | None:
        """Run the script until the call of this number, and say which it was; None if the script ended before."""
        fault = msgspec.to_builtins(replace(self._fault, first=number))
        ended = zygote.run("write", home=home, notes=notes, seed=self._part.seed, count=CHAPTER, fault=fault)
        if ended not in (0, jobs.NOTHING_MERGED, -signal.SIGKILL):
            self._part.verdict.complain(f"the script ended with {ended} by itself: {self._part.errors()}")
            return None
        met = Path(f"{notes}.met")
        where = met.read_text().strip()
        met.unlink()
        return where if ended == -signal.SIGKILL else None

    def _judge(self, notes: Path, where: str, ended: int, resumed: bool) -> None:
        verdict, looks = judged(read(notes)), _looks(notes)
        if ended != 0:
            verdict.complain(f"the next start ended with {ended}: {self._part.errors()}")
        elif resumed and _content(looks[-1]) != _content(self._undisturbed):
            verdict.complain("the resumed script ended otherwise than an undisturbed one")
        verdict.problems = [f"{notes.name}, killed at {where}: {one}" for one in verdict.problems]
        with self._lock:
            self.met.append(where)
            self._part.verdict.add(verdict)
            self.slowest_s = max([self.slowest_s, *(look.took_s for look in looks)])

    def _points(self) -> Iterator[int]:
        """Up to the script's end, or the first fault that is found."""
        while not self._over and self._part.verdict.good:
            yield next(self._numbers)  # one step of C, so no two threads get the same


class Migration:
    """A store of the first format, and kills while it is brought up to date."""

    def __init__(self, part: Part, library: Path, zygote: Zygote) -> None:
        self._part = part
        self._library = str(library)
        self._zygote = zygote
        self._old = part.scratch / "old"
        _make_old(self._old)
        self._acknowledged = self._whole()
        self.met: list[str] = []

    def kill_at_every_call(self) -> None:
        for number in itertools.count(1):
            home, notes = self._part.scratch / f"{number}", self._part.folder / f"migration-{number:03}.jsonl"
            shutil.copytree(self._old, home)
            fault = Fault(library=self._library, first=number, kinds=int(Calls.ALL))
            ended = self._zygote.run("migrate", home=home, notes=notes, fault=msgspec.to_builtins(fault))
            where = Path(f"{notes}.met").read_text().strip()
            Path(f"{notes}.met").unlink()
            notes.unlink()
            if ended == 0:
                return
            assert ended == -signal.SIGKILL, f"the migration ended with {ended}: {self._part.errors()}"
            self._judge(home, notes, where)

    def _judge(self, home: Path, notes: Path, where: str) -> None:
        notebook = self._part.notebook(notes.stem)
        for event in self._acknowledged:
            notebook.note(event)
        notebook.note(Cut(how="SIGKILL", where=where))
        notebook.close()
        ended = self._zygote.run("migrate", home=home, notes=notes)
        verdict = judged(read(notes))
        if ended != 0:
            verdict.complain(f"the next start ended with {ended}: {self._part.errors()}")
        self._part.verdict.add(verdict)
        self.met.append(where)

    def _whole(self) -> list[AnyEvent]:
        """What an undisturbed migration holds, as if it had been asked for and acknowledged."""
        home, notes = self._part.scratch / "undisturbed", self._part.folder / "undisturbed.jsonl"
        shutil.copytree(self._old, home)
        assert self._zygote.run("migrate", home=home, notes=notes) == 0, self._part.errors()
        (seen,) = (event for event in read(notes) if isinstance(event, Seen))
        notes.unlink()  # not a history yet
        assert (home / "patina.db.format-1").exists(), "there was nothing to migrate"
        told: list[AnyEvent] = []
        for op, (repo, held) in enumerate(seen.repos.items(), start=1):
            puts = {path: tuple(one.digest for one in passages) for path, passages in held.documents.items()}
            told += [Asked(client="old", op=op, what="write", repo=repo, puts=puts), Acknowledged(client="old", op=op)]
        return told


def _make_old(folder: Path) -> None:
    folder.mkdir()
    connection = apsw.Connection(str(folder / "patina.db"))
    connection.execute(FORMAT_1.read_text())
    connection.pragma("journal_mode", "wal")
    connection.close()


def _looks(notes: Path) -> list[Seen]:
    return [event for event in read(notes) if isinstance(event, Seen)]


def _content(seen: Seen) -> dict[str, object]:
    return {repo: (held.documents, held.arms) for repo, held in seen.repos.items()}
