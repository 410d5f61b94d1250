"""Questions for the index contract, and what is looked for in their answers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from patina.testing.contracts import _passages as passages
from patina.types import Candidate, Query, Ranking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from patina.protocols import Index

VISIBLE_WITHIN_S = 10.0
HOSTILE = (
    "",
    " ",
    '" AND (',
    "\x00",
    "a\x00b",
    "(((((",
    "NOT OR AND",
    "title:x^9 -y +z [a TO b} ~2",
    "*:* /[/ \\",
    "'; DROP TABLE chunks; --",
    "🗝" * 50,
    "word " * 2_000,
    "x" * 10_000,
)


def asking(
    number: int,
    text: str | None = None,
    window: int = 50,
    arms: tuple[str, ...] | None = None,
    only: frozenset[str] | None = None,
) -> Query:
    """A question for one passage, by its own word and its own vector (of the first 1,000 with the default seed)."""
    vector = passages.vectors(number + 1)[number]
    return Query(text=f"zq{number}x" if text is None else text, vector=vector, window=window, arms=arms, only=only)


def names(ranking: Ranking) -> frozenset[str]:
    return frozenset(candidate.id for candidate in ranking.candidates)


def found(rankings: Sequence[Ranking]) -> frozenset[str]:
    return frozenset().union(*map(names, rankings))


def tidy(rankings: Sequence[Ranking]) -> list[tuple[str, list[str]]]:
    """Rankings without their scores: corpus statistics may lag behind deletes until an engine tidies up."""
    return [(ranking.arm, [candidate.id for candidate in ranking.candidates]) for ranking in rankings]


def assert_ordered(candidates: Sequence[Candidate]) -> None:
    assert len({candidate.id for candidate in candidates}) == len(candidates), "an id came twice"
    for better, worse in pairwise(candidates):
        assert better.score > worse.score or (better.score == worse.score and better.id < worse.id)


def keep_asking(index: Index, done: threading.Event, wrong: list[object]) -> None:
    """Ask until `done`; whatever is not an ordered answer goes to `wrong`."""
    number = 0
    while not done.is_set():
        number = (number + 37) % 100
        try:
            for ranking in index.rank(asking(number, "common river", window=20)):
                assert_ordered(ranking.candidates)
        except Exception as error:  # the test runs in another thread and reports it
            wrong.append(error)
            return


@contextmanager
def asking_meanwhile(index: Index, query: Query) -> Iterator[set[tuple[str, frozenset[str]]]]:
    """Ask again and again in two threads; what each arm was ever seen to hold is there at the end."""
    seen: set[tuple[str, frozenset[str]]] = set()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            seen.update((ranking.arm, names(ranking)) for ranking in index.rank(query))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        yield seen
    finally:
        done.set()
        for asker in askers:
            asker.join()


def eventually(index: Index, query: Query, wanted: str) -> bool:
    """Whether the chunk is found before long. The promise is 0.6 s; a loaded machine must not fail the suite."""
    deadline = time.monotonic() + VISIBLE_WITHIN_S
    while wanted not in found(index.rank(query)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def cut(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2])


def change_a_byte(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    file.write_bytes(raw)
