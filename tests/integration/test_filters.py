"""A filter holds inside the search: one match in a thousand still fills the answer, in every mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from patina import Patina, wire
from patina.config import Config, PipelineSettings
from patina.errors import InvalidRequest
from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Collection, Entry, Store, Write
from patina.testing import FakeEmbedder
from patina.types import Document, Mode

SIZE = 20_000
RARE_EVERY = 1_000
LIMIT = 10
QUESTION = "amber lamp"
MODES: list[Mode] = ["hybrid", "semantic", "lexical"]
EMBEDDER = FakeEmbedder(dimension=16)
SIZES = {"big": SIZE, "small": 2 * RARE_EVERY}
RARE = range(RARE_EVERY - 1, SIZE, RARE_EVERY)
BEGAN = 1_700_000_000
"""When the first document was modified; each other one a second after the one before."""


def passage(number: int) -> tuple[str, Document]:
    """All answer the question; the rare ones worst, so that no list of the best fifty would hold one."""
    rare = number in RARE
    text = f"lamp {'and other matters of no concern ' * 3}{number}" if rare else f"amber lamp {number % 500}"
    path = f"{'rare' if rare else 'plain'}/{number:05}.md"
    document = Document(
        path=path,
        location=path,
        digest=digest(text.encode()),
        language="rust" if rare else "markdown",
        modified_ns=(BEGAN + number) * 10**9,
        metadata={"shelf": "rare" if rare else "plain", "number": str(number)},
    )
    return text, document


def put(repo: str, number: int) -> Entry:
    text, document = passage(number)
    piece = Piece(text=text, start_byte=0, end_byte=len(text), start_line=1, end_line=1)
    return entry(repo, document, "", Cutter("given", lambda _text, _language: [piece]))


def fill(store: Store, repo: str, size: int) -> None:
    """As if the documents had been taken in and embedded."""
    info = EMBEDDER.info
    record = Collection(name=repo, index="hybrid", identity=info.identity, model=info.name, dimension=info.dimension)
    store.save_collection(record).result()
    vectors: dict[str, bytes] = {}
    for first in range(0, size, 500):
        puts = [put(repo, number) for number in range(first, min(size, first + 500))]
        new = {one.chunks[0].digest: one.chunks[0].text for one in puts if one.chunks[0].digest not in vectors}
        store.write(Write(collection=repo, puts=puts))
        rows = EMBEDDER.embed(EMBEDDER.tokenize(list(new.values()), "passage")).vectors
        vectors.update(zip(new, (row.astype("<f4").tobytes() for row in rows), strict=True))
        if new:
            store.put_vectors(info.identity, {name: vectors[name] for name in new})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 passages in `big` and a few in `small`, indexed."""
    home = tmp_path_factory.mktemp("filters") / "home"
    (home / "data").mkdir(parents=True, mode=0o700)
    store = Store.open(home / "data" / "patina.db")
    for repo, size in SIZES.items():
        fill(store, repo, size)
    store.close()
    return home


@pytest.fixture
async def patina(home: Path) -> AsyncIterator[Patina]:
    """An engine with the real index, once it has taken in everything."""
    config = Config(home=home, defaults=PipelineSettings(index="hybrid"))
    async with Patina(config, embedder=EMBEDDER) as running:
        while running.rooms.indexing.working:
            await asyncio.sleep(0.02)
        yield running


def numbers(hits: wire.Hits) -> list[int]:
    return [int(Path(hit.path).stem) for hit in hits.hits]


async def test_without_a_filter_none_of_the_rare_is_found(patina: Patina) -> None:
    """Else the other tests here would show nothing."""
    for mode in MODES:
        hits = await patina.scry(QUESTION, mode=mode, repos=["big"], limit=LIMIT)
        assert len(hits.hits) == LIMIT
        assert not {hit.path.split("/")[0] for hit in hits.hits} & {"rare"}, mode


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        pytest.param(wire.Filter(metadata={"shelf": "rare"}), RARE, id="metadata"),
        pytest.param(wire.Filter(metadata={"number": [str(n) for n in RARE]}), RARE, id="metadata-in"),
        pytest.param(wire.Filter(path_prefix="rare/"), RARE, id="path_prefix"),
        pytest.param(wire.Filter(language="rust"), RARE, id="language"),
        pytest.param(wire.Filter(since=BEGAN + 19_000), range(19_000, SIZE), id="since"),
        pytest.param(wire.Filter(until=BEGAN + 12), range(12), id="until"),
        pytest.param(wire.Filter(since=BEGAN + 500, until=BEGAN + 515), range(500, 515), id="since-until"),
        pytest.param(wire.Filter(language="rust", since=BEGAN + 9_000), RARE[9:], id="two-parts"),
    ],
)
async def test_one_match_in_a_thousand_fills_the_answer(patina: Patina, wanted: wire.Filter, admitted: range) -> None:
    for mode in MODES:
        hits = await patina.scry(QUESTION, mode=mode, repos=["big"], filter=wanted, limit=LIMIT)
        found = numbers(hits)
        assert len(set(found)) == min(LIMIT, len(admitted)), mode
        assert set(found) <= set(admitted), mode
    everything = await patina.scry(QUESTION, repos=["big"], filter=wanted, limit=1000)
    assert len(everything.hits) == len(admitted)
    assert set(numbers(everything)) == set(admitted)


async def test_ids_fill_the_answer_too(patina: Patina) -> None:
    rare = await patina.scry(QUESTION, repos=["big"], filter=wire.Filter(path_prefix="rare/"), limit=1000)
    ids = [hit.id for hit in rare.hits]
    for mode in MODES:
        hits = await patina.scry(QUESTION, mode=mode, filter=wire.Filter(ids=[*ids, "unknown"]), limit=1000)
        assert {hit.id for hit in hits.hits} == set(ids), mode


async def test_a_file_finds_its_like_within_the_filter(patina: Patina) -> None:
    asking = "rare/00999.md"
    hits = await patina.scry(
        "", mode="file", file=asking, repos=["big"], filter=wire.Filter(path_prefix="rare/"), limit=1000
    )
    assert set(numbers(hits)) == set(RARE) - {999}


async def test_a_filter_goes_with_the_choice_of_collections(patina: Patina) -> None:
    wanted = wire.Filter(language="rust")
    found = {}
    for repos in (["big"], ["small"], ["small", "big"], []):
        hits = await patina.scry(QUESTION, repos=repos, filter=wanted, limit=1000)
        found[tuple(repos)] = {(hit.repo, hit.path) for hit in hits.hits}
    assert {repo: len(paths) for repo, paths in found.items()} == {
        ("big",): 20,
        ("small",): 2,
        ("small", "big"): 22,
        (): 22,
    }
    assert found["small", "big"] == found[()] == found["small",] | found["big",]


async def test_what_nothing_matches_is_an_empty_answer(patina: Patina) -> None:
    for wanted in (wire.Filter(language="cobol"), wire.Filter(ids=[]), wire.Filter(metadata={"shelf": "attic"})):
        for mode in MODES:
            assert (await patina.scry(QUESTION, mode=mode, filter=wanted)).hits == []


@pytest.mark.parametrize("wrong", ["langage", "path_prefx", "until_"])
async def test_an_unknown_part_is_refused_with_the_nearest(patina: Patina, wrong: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await patina.scry(QUESTION, filter={wrong: "x"})
    assert caught.value.param == f"filter.{wrong}"
    nearest = {"langage": "language", "path_prefx": "path_prefix", "until_": "until"}[wrong]
    assert f"Did you mean {nearest!r}?" in caught.value.hint
