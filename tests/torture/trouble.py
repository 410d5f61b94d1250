"""A disk that fails at one numbered call after another: once, or until it is repaired."""

from __future__ import annotations

import errno
import itertools
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
from tests.torture import jobs
from tests.torture.faults import FOR_EVER, Calls, Fault
from tests.torture.history import Cut, Refused, judged, read
from tests.torture.part import Part
from tests.torture.zygote import Zygote


class Trouble(NamedTuple):
    """An errno, and whether every later call meets it too."""

    error: int
    lasting: bool

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} {'lasting' if self.lasting else 'once'}"


TROUBLES = tuple(Trouble(error, lasting) for error in (errno.EIO, errno.ENOSPC) for lasting in (False, True))


ENDINGS = (0, jobs.NOT_MET, jobs.OPENED_LATER, jobs.RESTARTED)


class Troubles:
    """Every trouble at the first call, and at every `stride`th after it, until the script ends before."""

    def __init__(self, part: Part, library: Path, stride: int, below: str = "") -> None:
        """Count the calls in the whole home, or only on one file or folder of it."""
        self._part = part
        self._library = str(library)
        self._stride = stride
        self._below = below
        self._lock = threading.Lock()
        self.ended: Counter[tuple[Trouble, int]] = Counter()
        """How the children ended."""
        self.codes: Counter[str] = Counter()
        """With which codes something was refused."""
        self.met: Counter[str] = Counter()
        """The calls that failed first."""

    def work(self, zygote: Zygote, troubles: tuple[Trouble, ...]) -> None:
        for trouble in troubles:
            start = 1 + self._part.seed % self._stride
            for number in itertools.count(start, self._stride):
                over = self._one(zygote, trouble, number) == jobs.NOT_MET
                if over or not self._part.verdict.good:
                    break

    def _one(self, zygote: Zygote, trouble: Trouble, number: int) -> int:
        name = f"{trouble}-{number:04}".replace(" ", "-")
        home, notes = self._part.scratch / name, self._part.folder / f"{name}.jsonl"
        notebook = self._part.notebook(name)
        fault = Fault(
            library=self._library,
            first=number,
            last=FOR_EVER if trouble.lasting else number,
            kinds=int(Calls.ALL),
            error=trouble.error,
            below=self._below,
        )
        ended = zygote.run("endure", home=home, notes=notes, seed=self._part.seed, fault=msgspec.to_builtins(fault))
        met = Path(f"{notes}.met").read_text().strip()
        Path(f"{notes}.met").unlink()
        if ended not in ENDINGS:
            self._part.verdict.complain(f"{notes.name}, {met}: the script ended with {ended}: {self._part.errors()}")
        elif ended == jobs.NOT_MET:
            notes.unlink()
        else:
            notebook.note(Cut(how="restart", where=met))
            again = zygote.run("recover", home=home, notes=notes)
            self._judge(notes, trouble, met, ended, again)
        notebook.close()
        shutil.rmtree(home, ignore_errors=True)
        return ended

    def _judge(self, notes: Path, trouble: Trouble, met: str, ended: int, again: int) -> None:
        events = read(notes)
        verdict = judged(events)
        if again:
            verdict.complain(f"the next start ended with {again}: {self._part.errors()}")
        verdict.problems = [f"{notes.name}, {met}: {one}" for one in verdict.problems]
        with self._lock:
            self.ended[trouble, ended] += 1
            self.codes.update({event.code for event in events if isinstance(event, Refused)})
            self.met[met.split()[1] if met else "?"] += 1
            self._part.verdict.add(verdict)
