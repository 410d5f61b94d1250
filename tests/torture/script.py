"""What a scripted client does, chapter by chapter: the same for the same seed, and without an end."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tests.torture.content import lines

PATHS = tuple(f"{folder}/{name}" for folder in ("a", "b") for name in ("one", "two", "three", "four", "five"))
CHAPTER = 28
"""Steps until everything has happened once."""
BATCH = 40
"""Vectors that one step adds."""


class Step(NamedTuple):
    """One thing to do; the fields that it needs are set."""

    do: Literal["write", "embed", "follow", "rest", "merge", "checkpoint", "sweep", "drop", "reopen"]
    repo: str = "papers"
    puts: dict[str, list[str]] = {}  # noqa: RUF012 (never changed)
    deletes: tuple[str, ...] = ()
    ack: Literal["durable", "written"] = "durable"
    wait: bool = True
    """Whether the next step waits for the acknowledgement."""


def steps(seed: int) -> Iterator[Step]:
    """A chapter writes, replaces and removes documents, embeds them, lets the index seal, merge and save, drops a
    collection, and ends with a restart."""
    dice = random.Random(seed)
    for chapter in itertools.count():
        version = CHAPTER * chapter
        for part in range(3):
            for number in range(3):
                yield _write(dice, version + 3 * part + number, every=(part, number) == (1, 2))
            yield Step("embed")
            yield Step("follow")
            yield Step("merge" if part == 1 else "rest")
            if part != 1:
                yield Step("checkpoint")
        yield _write(dice, version, "scrap")
        yield Step("follow", "scrap")
        yield Step("checkpoint", "scrap")
        yield Step("sweep")
        yield Step("drop", "scrap")
        yield _write(dice, version + 1, "scrap")
        yield Step("follow", "scrap")
        yield Step("reopen")


def _write(dice: random.Random, version: int, repo: str = "papers", *, every: bool = False) -> Step:
    """Some documents, or every one: then there is enough for segments to merge."""
    paths = dice.sample(PATHS, len(PATHS) if every else dice.randint(1, 4))
    gone = () if every else tuple(dice.sample(PATHS, dice.choice((0, 0, 1, 2))))
    puts = {path: lines(repo, path, version) for path in paths if path not in gone}
    ack: Literal["durable", "written"] = "durable" if dice.random() < 0.7 else "written"
    return Step("write", repo, puts, gone, ack=ack, wait=dice.random() < 0.6)
