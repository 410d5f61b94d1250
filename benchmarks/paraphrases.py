"""What judging passages with their documents is worth: more questions, asked with and without it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from benchmarks.corpus import STDLIB
from benchmarks.quality import FIRST, Question
from benchmarks.table import Row
from benchmarks.workshop import Workshop
from patina.engine import Patina

NAME = "paraphrases"
TITLE = "Other questions"
ABOUT = """\
The questions of `benchmarks/paraphrases.toml` about other parts of the standard library: how many have their file among
the first three hits, as it is by default and beside that with `use_context = false`. What
[a doubtful question's context](../explanation/how-search-works.md#context) adds was chosen by these, before the twenty
questions above were asked with it."""
LOOKED_AT = 10


class Group(msgspec.Struct, frozen=True):
    """Files that are one collection, and what is asked about them."""

    name: str
    paths: list[str]
    question: list[Question]


class _Groups(msgspec.Struct, frozen=True):
    group: list[Group]


def groups() -> list[Group]:
    text = Path(__file__).with_name("paraphrases.toml").read_text()
    return msgspec.convert(tomllib.loads(text), _Groups).group


async def measure(workshop: Workshop) -> list[Row]:
    rows = []
    for group in map(_small, groups()) if workshop.quick else groups():
        home = workshop.cache / "paraphrases" / group.name
        home.parent.mkdir(parents=True, exist_ok=True)
        async with workshop.engine(home) as patina:
            await patina.index_paths([STDLIB / path for path in group.paths], name=group.name)
            found = await _found(patina, group)
        async with workshop.engine(home, use_context=False) as patina:
            without = await _found(patina, group)
        for kind, count in found.items():
            total = sum(question.kind == kind for question in group.question)
            what = f"{group.name}, {kind}: file among the first {FIRST}"
            rows.append(Row(what=what, patina=f"{count} of {total}", beside=f"{without[kind]} of {total}"))
    return rows


def _small(group: Group) -> Group:
    return msgspec.structs.replace(group, paths=[group.question[0].file], question=group.question[:2])


async def _found(patina: Patina, group: Group) -> dict[str, int]:
    """By kind."""
    found = {"keyword": 0, "paraphrase": 0}
    for question in group.question:
        hits = (await patina.scry(question.ask, limit=LOOKED_AT, repos=[group.name])).hits
        found[question.kind] += question.file in [hit.path for hit in hits[:FIRST]]
    return found
