"""What happened, as lines of JSON, and the judge of it.

Clients write down what they ask for before they ask, and what they are told; whoever looks at a store afterwards writes
down all that it holds. Every document is written by one client alone, so that judging takes one pass: what was
acknowledged must be there, what was asked for and not answered may be there, and nothing else.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from patina.identity import chunk_ids

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Outcome: TypeAlias = tuple[str, ...] | None
"""A document: the digests of its passages, in their order; None: it is not there."""
What: TypeAlias = Literal["write", "vectors", "drop", "sweep", "follow", "checkpoint"]
Key: TypeAlias = tuple[str, str]
"""A collection's name and a path in it."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """One line."""


class Began(Event, frozen=True, kw_only=True, tag="began"):
    part: str
    seed: int
    bug: str = ""
    """What was planted in the source: then this history may be bad, and one of its kind must be."""


class Asked(Event, frozen=True, kw_only=True, tag="asked"):
    """`op` only grows for one client."""

    client: str
    op: int
    what: What
    repo: str = ""
    puts: dict[str, tuple[str, ...]] = {}
    """The digests of the passages, by path."""
    deletes: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """The texts that vectors were given for."""
    ack: Literal["durable", "written"] = "durable"


class Acknowledged(Event, frozen=True, kw_only=True, tag="acknowledged"):
    client: str
    op: int
    seq: int = 0


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """Not acknowledged: it may be there or not, as if it were still under way."""

    client: str
    op: int
    code: str
    message: str = ""


class Cut(Event, frozen=True, kw_only=True, tag="cut"):
    """The process or the machine ended."""

    how: str
    """"power": what was only written may be gone."""
    where: str = ""
    damaged: bool = False
    """A file of an index was damaged: it may have fallen back behind its checkpoints."""


class Passage(msgspec.Struct, frozen=True, array_like=True):
    id: str
    digest: str
    """Of the text that is there now."""
    vector: Literal["none", "right", "wrong"]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """All of one collection."""

    documents: dict[str, list[Passage]]
    arms: dict[str, list[str]] = {}
    """The ids that each arm of the index holds, once it has followed the log to its end."""
    resumed: int | None = None
    """How far in the log the index was when it was opened."""


class Seen(Event, frozen=True, kw_only=True, tag="seen"):
    repos: dict[str, Held]
    faults: list[str] = []
    """What `patina verify` and its parts find wrong, and anything else that must not be."""
    alive: bool = False
    """Looked at while the process lived: what is under way may still come."""
    took_s: float = 0.0
    """From opening the store to having looked."""


AnyEvent: TypeAlias = Began | Asked | Acknowledged | Refused | Cut | Seen
_decoder = msgspec.json.Decoder(AnyEvent)


class Notebook:
    """A history being written. A line is with the kernel when `note` returns, so a kill does not take it along."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(self, event: AnyEvent) -> None:
        os.write(self._file, msgspec.json.encode(event) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> list[AnyEvent]:
    return _decoder.decode_lines(path.read_bytes())


class Verdict(msgspec.Struct, kw_only=True):
    """Counts of passages that are wrong, and what was looked at."""

    lost: int = 0
    """Acknowledged, and not there; or acknowledged as removed, and back again. Checkpoints of an index count too."""
    phantoms: int = 0
    """There, and never asked for."""
    duplicates: int = 0
    corrupt: int = 0
    """Another text, vector or order than was asked for, half of a write, or a fault that the store itself finds."""
    acknowledged: int = 0
    """Passages written and acknowledged."""
    looked: int = 0
    """Times that a whole store was looked at."""
    problems: list[str] = []

    @property
    def good(self) -> bool:
        return not (self.lost or self.phantoms or self.duplicates or self.corrupt)

    def complain(self, problem: str) -> None:
        """Count something that must not be, and that is no passage."""
        self.corrupt += 1
        self.problems = [*self.problems, problem]

    def add(self, other: Verdict) -> None:
        for field in ("lost", "phantoms", "duplicates", "corrupt", "acknowledged", "looked"):
            setattr(self, field, getattr(self, field) + getattr(other, field))
        self.problems = [*self.problems, *other.problems]

    def __str__(self) -> str:
        return (
            f"{self.lost} acknowledged chunks lost, {self.phantoms} phantoms, {self.duplicates} duplicates, "
            f"{self.corrupt} corrupt ({self.acknowledged} acknowledged, {self.looked} looks)"
        )


class Judge:
    """Goes through a history once. What may be there of a document is a list: the last that was acknowledged, then
    whatever was asked for since.
    """

    def __init__(self) -> None:
        self.verdict = Verdict()
        self._possible: dict[Key, list[tuple[int, Outcome]]] = {}
        self._ever: dict[Key, set[str]] = {}
        """The digests of every passage that was ever asked for."""
        self._written: dict[Key, tuple[str, int, list[tuple[int, Outcome]]]] = {}
        """What a document may be again after a power cut, since what it is was only written: by which client and op."""
        self._open: dict[tuple[str, int], Asked] = {}
        self._vectors: set[str] = set()
        self._saved: dict[str, int] = {}

    def hear(self, event: AnyEvent) -> None:
        match event:
            case Asked():
                self._asked(event)
            case Acknowledged():
                self._acknowledged(event)
            case Seen():
                self._seen(event)
            case Cut(damaged=True):
                self._saved.clear()
            case Cut(how="power"):
                for key, (_, _, older) in self._written.items():
                    self._possible[key] = older + self._possible[key]
            case _:
                pass

    # -- what is asked and told ---------------------------------------------------------------------------------------

    def _asked(self, event: Asked) -> None:
        self._open[event.client, event.op] = event
        for key, outcome in self._outcomes(event).items():
            self._possible.setdefault(key, [(0, None)]).append((event.op, outcome))
            self._ever.setdefault(key, set()).update(outcome or ())
        if event.what == "drop":
            self._saved.pop(event.repo, None)
        if event.what == "sweep":
            self._vectors &= {one for options in self._possible.values() for _, known in options for one in known or ()}

    def _acknowledged(self, event: Acknowledged) -> None:
        asked = self._open.pop((event.client, event.op))
        for key in self._outcomes(asked):
            older = [option for option in self._possible[key] if option[0] < event.op]
            self._possible[key] = self._possible[key][len(older) :]
            if asked.ack == "written":
                _, _, oldest = self._written.get(key, ("", 0, []))
                self._written[key] = (event.client, event.op, oldest + older)
        if asked.ack == "durable" and asked.what != "follow":
            self._sync(event)
        self._vectors.update(asked.digests)
        self.verdict.acknowledged += sum(map(len, asked.puts.values()))
        if asked.what == "checkpoint":
            self._saved[asked.repo] = event.seq

    def _sync(self, event: Acknowledged) -> None:
        """What is durable takes everything along that its client wrote before."""
        for key, (client, op, _) in list(self._written.items()):
            if client == event.client and op <= event.op:
                del self._written[key]

    def _outcomes(self, asked: Asked) -> dict[Key, Outcome]:
        if asked.what == "drop":
            return {key: None for key in self._possible if key[0] == asked.repo}
        gone: dict[Key, Outcome] = {(asked.repo, path): None for path in asked.deletes}
        return gone | {(asked.repo, path): outcome for path, outcome in asked.puts.items()}

    # -- what is there ------------------------------------------------------------------------------------------------

    def _seen(self, event: Seen) -> None:
        self.verdict.looked += 1
        there = {(repo, path): found for repo, held in event.repos.items() for path, found in held.documents.items()}
        before = {key: list(options) for key, options in self._possible.items()}
        for key in sorted(self._possible.keys() | there.keys()):
            self._document(key, there.get(key), event.alive)
        self._halves(before)
        everyone = Counter(passage.id for passages in there.values() for passage in passages)
        self._count("duplicates", sum(everyone.values()) - len(everyone), "ids that stand twice")
        for repo, held in event.repos.items():
            self._arms(repo, held)
        for fault in event.faults:
            self._count("corrupt", 1, fault)
        if not event.alive:
            self._open.clear()
            self._written.clear()

    def _document(self, key: Key, found: list[Passage] | None, alive: bool) -> None:
        """Compare one document with what it may be, and go on from what it is: what was seen once stays."""
        repo, path = key
        options = self._possible.get(key, [(0, None)])
        observed: Outcome = None if found is None else tuple(passage.digest for passage in found)
        here = "/".join(key)
        for passage, expected in zip(found or (), chunk_ids(repo, path, observed or ()), strict=True):
            self._count("corrupt", passage.id != expected, f"{here}: a passage has the id {passage.id}")
            self._count("corrupt", passage.vector == "wrong", f"{here}: {passage.id} has another text's vector")
            missing = passage.vector == "none" and passage.digest in self._vectors
            self._count("lost", missing, f"{here}: {passage.id} has lost its vector")
        outcomes = [outcome for _, outcome in options]
        if observed in outcomes:
            self._possible[key] = options[outcomes.index(observed) :]
        else:
            self._differs(key, options, Counter(observed or ()))
        if not alive or observed not in outcomes:
            self._possible[key] = [(options[-1][0], observed)]

    def _differs(self, key: Key, options: list[tuple[int, Outcome]], there: Counter[str]) -> None:
        """Say how: what was acknowledged is missing, what was replaced is back, or what nobody wrote is there."""
        here = "/".join(key)
        known: Counter[str] = Counter()
        for _, outcome in options:
            known |= Counter(outcome or ())
        lost, more = Counter(options[0][1] or ()) - there, there - known
        ever = self._ever.get(key, set())
        foreign = sum(count for one, count in more.items() if one not in ever)
        back = sum(count for one, count in more.items() if one in ever and one not in known)
        twice = more.total() - foreign - back
        self._count("lost", lost.total(), f"{here}: passages that were acknowledged are not there")
        self._count("phantoms", foreign, f"{here}: passages that nobody wrote")
        self._count("duplicates", twice, f"{here}: passages more often than they were written")
        if not lost:  # an older state is there again: its removal, or what was written after it, is what is lost
            self._count("lost", back, f"{here}: passages are back whose removal was acknowledged")
        if not (lost or more):
            self._count("corrupt", 1, f"{here}: neither the old nor the new")

    def _halves(self, before: dict[Key, list[tuple[int, Outcome]]]) -> None:
        """What was asked for in one write and not acknowledged is there as a whole or not at all."""
        for asked in self._open.values():
            mine = self._outcomes(asked)
            # Only documents at which nothing later was aimed, and where old and new differ, can tell.
            telling = [
                key
                for key, outcome in mine.items()
                if before[key][-1][0] == asked.op and outcome not in [other for _, other in before[key][:-1]]
            ]
            done = [key for key in telling if self._possible[key][0][1] == mine[key]]
            half = asked.what == "write" and 0 < len(done) < len(telling)
            self._count("corrupt", half, f"{asked.client} {asked.op}: half of a write is there")

    def _arms(self, repo: str, held: Held) -> None:
        passages = [passage for found in held.documents.values() for passage in found]
        alive = {passage.id for passage in passages}
        embedded = {passage.id for passage in passages if passage.vector != "none"}
        for arm, ids in held.arms.items():
            wanted = embedded if arm == "dense" else alive
            self._count("lost", len(wanted - set(ids)), f"{repo}: the {arm} arm lacks passages")
            self._count("phantoms", len(set(ids) - wanted), f"{repo}: the {arm} arm holds passages that are gone")
            self._count("duplicates", len(ids) - len(set(ids)), f"{repo}: the {arm} arm holds passages twice")
        if held.resumed is not None:
            saved = self._saved.get(repo, 0)
            fell = held.resumed < saved
            self._count("lost", fell, f"{repo}: the index fell back from {saved} to {held.resumed} after a checkpoint")

    def _count(self, field: str, number: int, problem: str) -> None:
        if number:
            setattr(self.verdict, field, getattr(self.verdict, field) + number)
            self.verdict.problems = [*self.verdict.problems, f"{int(number)} {field}: {problem}"]


def judged(events: Iterable[AnyEvent]) -> Verdict:
    """The verdict over a whole history."""
    judge = Judge()
    for event in events:
        judge.hear(event)
    return judge.verdict
