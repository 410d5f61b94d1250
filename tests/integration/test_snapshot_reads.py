"""While documents are replaced, an answer holds whole versions: never half a document, never two versions of one."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from patina import Patina, wire
from patina.config import Config, PipelineSettings
from patina.testing import FakeEmbedder, FakePlugin
from patina.types import Mode

REPOS = ("north", "south")
DOCUMENTS = 3
ROUNDS = 15
MAX_PASSAGES = 30
READERS = 3
EVERYTHING = 1000
VERSION = re.compile(r"\bv[b-k]{3}x\b")


def word(version: int) -> str:
    """What only this version of a document says: a word that no stemmer touches and no tokenizer splits."""
    letters = "bcdfghjk"
    return "v" + "".join(letters[version // place % 8] for place in (64, 8, 1)) + "x"


class Version(msgspec.Struct):
    repo: str
    name: str
    passages: int

    def text(self, word: str) -> str:
        """A paragraph a passage, each too long to share one with the next."""
        return "\n\n".join(f"{word} lamp part{number} " + "and so on " * 3 for number in range(self.passages))


class Writing:
    """A writer's work, the same with every run: each round replaces some documents of one collection."""

    def __init__(self) -> None:
        self._chance = random.Random(19)
        self.versions: dict[str, Version] = {}
        """By their words."""

    def round(self, repo: str) -> wire.Index:
        names = self._chance.sample([f"document {n}" for n in range(DOCUMENTS)], self._chance.randint(1, DOCUMENTS))
        return wire.Index(repo=repo, documents=[self._document(repo, name) for name in names], wait=False)

    def _document(self, repo: str, name: str) -> wire.InputDocument:
        said = word(len(self.versions))
        version = self.versions[said] = Version(repo, name, self._chance.randint(1, MAX_PASSAGES))
        return wire.InputDocument(id=name, text=version.text(said))


class Seen(msgspec.Struct):
    """What one answer held of one document: how many passages by version."""

    mode: Mode
    query: str
    repo: str
    name: str
    passages: Counter[str]


@pytest.fixture(params=["hybrid", "fake"])
async def patina(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Patina]:
    """The fake index shows what it is told at once; the real one when its arms come to it."""
    pipeline = PipelineSettings(index=request.param, chunk_tokens=18, chunk_overlap_tokens=0)
    config = Config(home=tmp_path / "home", defaults=pipeline)
    async with Patina(config, embedder=FakeEmbedder(dimension=16), plugins={"fakes": FakePlugin()}) as running:
        yield running


async def test_no_search_sees_half_a_document_or_two_versions_of_one(patina: Patina) -> None:
    writing, seen = Writing(), list[Seen]()
    for repo in REPOS:
        await patina.handle(writing.round(repo))
    readers = [asyncio.create_task(_read(patina, writing, seen, number)) for number in range(READERS)]
    for number in range(ROUNDS):
        await asyncio.gather(*(patina.handle(writing.round(repo)) for repo in REPOS[: 1 + number % 2]))
        await asyncio.sleep(
            0.05 * (number % 3)
        )  # at times the index gets to publish, at times the next is there before
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    mixed = [one for one in seen if len(one.passages) > 1]
    assert not mixed
    halves = [
        one
        for one in seen
        for said, passages in one.passages.items()
        if one.mode == "lexical" and passages != writing.versions[said].passages
    ]
    assert not halves
    assert len({said for one in seen for said in one.passages}) > ROUNDS, "the readers saw the writer at work"
    await _read_at_rest(patina, writing)


async def _read(patina: Patina, writing: Writing, seen: list[Seen], number: int) -> None:
    """Ask for everything, and for what the newest versions say, until cancelled."""
    chance = random.Random(number)
    modes: list[Mode] = ["lexical", "hybrid", "semantic"]
    while True:
        mode = modes[chance.randrange(3)]
        query = chance.choice(["lamp", *list(writing.versions)[-4:]])
        hits = await patina.scry(query, mode=mode, limit=EVERYTHING, repos=chance.choice([[], ["north"], ["south"]]))
        seen += _seen(mode, query, hits)


def _seen(mode: Mode, query: str, hits: wire.Hits) -> list[Seen]:
    documents: dict[tuple[str, str], Counter[str]] = {}
    for hit in hits.hits:
        [said] = set(VERSION.findall(hit.text))
        documents.setdefault((hit.repo, hit.path), Counter())[said] += 1
    return [Seen(mode, query, repo, name, passages) for (repo, name), passages in documents.items()]


async def _read_at_rest(patina: Patina, writing: Writing) -> None:
    """In the end the newest version of each document is there in full, by words and by meaning."""
    for repo in REPOS:
        await patina.index(repo, [{"id": "last", "text": "the end"}])  # waits until everything is searchable
    newest = {(version.repo, version.name): said for said, version in writing.versions.items()}
    for mode in ("lexical", "hybrid", "semantic"):
        hits = await patina.scry("lamp", mode=mode, limit=EVERYTHING)
        found = Counter(said for hit in hits.hits for said in VERSION.findall(hit.text))
        assert found == Counter({said: writing.versions[said].passages for said in newest.values()})
