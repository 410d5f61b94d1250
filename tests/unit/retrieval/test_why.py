"""Asking how a document fared says where it stands, or what keeps it out, in figures and in sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from patina import Patina, wire
from patina.config import Config, PipelineSettings
from patina.errors import InvalidRequest, NotFound
from patina.testing import FakeEmbedder, FakePlugin, engine

QUESTION = "how is the amber lamp lit?"


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home") as running:
        yield running


def lamps(number: int, first: int = 0) -> list[dict[str, Any]]:
    """Documents that answer the question, the earlier the better."""
    return [
        {"id": f"lamp-{n:03}", "text": "The amber lamp is lit. " + "Other words follow. " * (1 + n)}
        for n in range(first, first + number)
    ]


async def asked(patina: Patina, why: str, **fields: Any) -> tuple[wire.Hits, wire.Why]:
    hits = await patina.scry(QUESTION, why=why, **fields)
    assert hits.why is not None
    return hits, hits.why


async def test_a_hit_has_its_number_and_its_places(patina: Patina) -> None:
    await patina.index("notes", lamps(3))
    hits, why = await asked(patina, "lamp-001")
    number = [hit.path for hit in hits.hits].index("lamp-001") + 1
    assert (why.repo, why.path, why.rank, why.window) == ("notes", "lamp-001", number, 50)
    assert why.chunk == hits.hits[number - 1].id
    assert why.arms == hits.hits[number - 1].arms
    assert why.sentence.startswith(f"Number {number} of the answer: #")
    assert "by meaning" in why.sentence
    assert "by words" in why.sentence
    assert (why.matched, why.missing) == (["amber", "lamp", "lit"], [])


async def test_a_passage_is_asked_about_by_its_id(patina: Patina) -> None:
    await patina.index("notes", lamps(3))
    hits = await patina.scry(QUESTION)
    _, why = await asked(patina, hits.hits[2].id)
    assert (why.path, why.rank, why.chunk) == (hits.hits[2].path, 3, hits.hits[2].id)


async def test_of_a_document_the_best_passage_counts(patina: Patina) -> None:
    text = "\n\n".join(
        ["Nothing of the kind stands here. " * 70, "The amber lamp is lit.", "Nor is it down here. " * 70]
    )
    await patina.index("notes", [{"id": "long", "text": text}, *lamps(2)])
    hits, why = await asked(patina, "long")
    best = next(hit for hit in hits.hits if hit.path == "long")
    assert "amber" in best.text
    assert why.chunk == best.id


async def test_what_comes_after_the_last_hit_has_its_number_too(patina: Patina) -> None:
    await patina.index("notes", lamps(8))
    order = [hit.path for hit in (await patina.scry(QUESTION)).hits]
    hits, why = await asked(patina, order[6], limit=3)
    assert [hit.path for hit in hits.hits] == order[:3]
    assert why.rank == 7
    assert why.sentence.startswith("Number 7 in order, and the answer ends after 3: #")
    assert f"The first 3 are {order[0]}:1, {order[1]}:1, {order[2]}:1." in why.sentence


async def test_a_score_that_is_too_low_is_named(patina: Patina) -> None:
    await patina.index("notes", [*lamps(2), {"id": "dark", "text": "A lamp."}])
    _, why = await asked(patina, "dark", min_score=0.99)
    assert "is below 0.99" in why.sentence


async def test_a_document_below_the_window_is_found_further_down(patina: Patina) -> None:
    await patina.index("notes", [*lamps(60), {"id": "dark", "text": "Lamp and " + "nothing of the kind here " * 20}])
    hits, why = await asked(patina, "dark", mode="lexical")
    assert "dark" not in {hit.path for hit in hits.hits}
    assert (why.rank, why.window) == (None, 500)
    assert why.chunk is not None
    assert why.arms["lexical"].rank == 61
    assert why.sentence.startswith("Not among the first 50 by words, but further down: #61 by words.")
    assert (why.matched, why.missing) == (["lamp"], ["amber", "lit"])
    assert "It lacks amber, lit." in why.sentence
    assert f"The first 5 are {hits.hits[0].path}:1, " in why.sentence


async def test_a_document_without_any_of_the_words_is_in_no_list_of_words(patina: Patina) -> None:
    await patina.index("notes", [*lamps(2), {"id": "sea", "text": "A sailor reads stars."}])
    _, why = await asked(patina, "sea", mode="lexical")
    assert (why.chunk, why.rank, why.arms, why.window) == (None, None, {}, 500)
    assert "Not among the first 500 by words." in why.sentence
    assert "It holds none of the words amber, lamp, lit." in why.sentence


async def test_what_the_filter_leaves_out_is_said_with_the_part_that_does(patina: Patina) -> None:
    await patina.index("notes", [{"id": "a/lamp", "text": "An amber lamp.", "metadata": {"shelf": "one"}}, *lamps(2)])
    _, why = await asked(patina, "a/lamp", filter=wire.Filter(path_prefix="a/", metadata={"shelf": ["two", "three"]}))
    assert why.sentence == "The filter leaves it out, by its metadata."
    _, why = await asked(patina, "a/lamp", filter=wire.Filter(path_prefix="a/", ids=[]))
    assert why.sentence == "The filter leaves it out, by its ids."


async def test_the_file_that_asks_is_left_out_and_told(patina: Patina) -> None:
    await patina.index("notes", lamps(3))
    hits = await patina.scry("", mode="file", file="lamp-001", why="lamp-001")
    assert hits.why is not None
    assert "is left out of the answer" in hits.why.sentence


async def test_a_document_without_text_says_so(patina: Patina) -> None:
    await patina.index("notes", [{"id": "empty", "text": " \n"}, *lamps(1)])
    _, why = await asked(patina, "empty")
    assert why.sentence == "It holds no text."


async def test_text_that_is_not_embedded_yet_says_so(tmp_path: Path) -> None:
    class Stubborn(FakeEmbedder):
        """Refuses to embed what mentions the sea."""

        def embed(self, batch: Sequence[Any]) -> Any:
            if any("sea" in tokens.payload for tokens in batch):
                raise InvalidRequest("This text is refused.")
            return super().embed(batch)

    config = Config(home=tmp_path / "home", defaults=PipelineSettings(embedder="fake", index="fake"))
    async with Patina(config, embedder=Stubborn(), plugins={"fakes": FakePlugin()}) as patina:
        await patina.index("notes", [{"id": "sea", "text": "The sea at night."}, *lamps(2)])
        _, why = await asked(patina, "sea")
    assert "It is not embedded yet, so that only its words can find it." in why.sentence


async def test_an_unknown_document_is_refused_with_the_nearest(patina: Patina) -> None:
    await patina.index(
        "notes", [{"id": "shelf/lamp.md", "text": "A lamp."}, {"id": "shelf/sea.md", "text": "The sea."}]
    )
    for wrong in ("shelf/lmap.md", "lamp.md", "/elsewhere/lamp.md"):
        with pytest.raises(NotFound, match=r"is not indexed\. The nearest is shelf/lamp\.md\.") as caught:
            await patina.scry(QUESTION, why=wrong)
        assert caught.value.param == "why"
    with pytest.raises(NotFound, match="Index it first"):
        await patina.scry(QUESTION, why="zzzzzzzzzzzz")


async def test_a_path_of_two_collections_wants_one_of_them_named(patina: Patina) -> None:
    for repo in ("one", "two"):
        await patina.index(repo, lamps(2))
    with pytest.raises(InvalidRequest, match="one, two"):
        await patina.scry(QUESTION, why="lamp-001")
    _, why = await asked(patina, "lamp-001", repos=["two"])
    assert why.repo == "two"


async def test_a_file_is_asked_about_by_any_of_its_names(patina: Patina, tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "lamp.md").write_text("# Lamps\n\nThe amber lamp is lit at dusk.\n")
    await patina.index_paths([tmp_path / "shelf"])
    await patina.index("pages", [{"id": "1", "url": "https://lamps.example/1", "text": "An amber lamp."}])
    for name, path in {
        "lamp.md": "lamp.md",
        str(tmp_path / "shelf" / "lamp.md"): "lamp.md",
        "https://lamps.example/1": "1",
    }.items():
        _, why = await asked(patina, name)
        assert why.path == path
        assert why.rank is not None
