"""Do the answers come first? The twenty questions of `questions.toml`, asked in three modes."""

from __future__ import annotations

import sysconfig
import tomllib
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from patina import Patina
from patina.types import Mode

QUESTIONS = Path(__file__).with_name("questions.toml")
STDLIB = Path(sysconfig.get_path("stdlib"))
COLLECTION = "stdlib"
FIRST = 3
LOOKED_AT = 30
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "semantic")


class Question(msgspec.Struct, frozen=True):
    kind: Literal["keyword", "paraphrase"]
    ask: str
    file: str


class Questions(msgspec.Struct, frozen=True):
    packages: list[str]
    question: list[Question]


class Rank(msgspec.Struct, frozen=True):
    """Where the expected file came among the hits, by mode; None: not among the first thirty."""

    question: Question
    by_mode: dict[Mode, int | None]


def questions() -> Questions:
    return msgspec.convert(tomllib.loads(QUESTIONS.read_text()), Questions)


async def take_in(patina: Patina) -> None:
    """Index and embed the packages that the questions are about; about a thousand chunks."""
    await patina.index_paths([STDLIB / package for package in questions().packages], name=COLLECTION)


async def ranks(patina: Patina) -> list[Rank]:
    """Ask every question in every mode."""
    return [
        Rank(question, {mode: await _rank(patina, question, mode) for mode in MODES})
        for question in questions().question
    ]


async def _rank(patina: Patina, question: Question, mode: Mode) -> int | None:
    hits = (await patina.scry(question.ask, mode=mode, limit=LOOKED_AT, repos=[COLLECTION])).hits
    return next((number for number, hit in enumerate(hits, start=1) if hit.path == question.file), None)


def found(given: list[Rank]) -> dict[Mode, Counter[str]]:
    """By mode, how many of each kind of question have their file among the first three hits."""
    return {
        mode: Counter(one.question.kind for one in given if (one.by_mode[mode] or LOOKED_AT + 1) <= FIRST)
        for mode in MODES
    }


def table(given: list[Rank]) -> str:
    """Markdown: each question with its ranks, then the counts."""
    lines = ["| question | file | " + " | ".join(MODES) + " |", "| --- | --- |" + " ---: |" * len(MODES)]
    for one in given:
        cells = " | ".join(str(one.by_mode[mode] or "-") for mode in MODES)
        lines.append(f"| {one.question.ask} | `{one.question.file}` | {cells} |")
    counts = found(given)
    for kind in ("keyword", "paraphrase"):
        total = sum(one.question.kind == kind for one in given)
        cells = " | ".join(f"{counts[mode][kind]} of {total}" for mode in MODES)
        lines.append(f"| **{kind}: among the first three** | | {cells} |")
    return "\n".join(lines)
