"""Judging passages with their documents: what moves up, what stays, and when none of it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from patina import Config, Patina
from patina.config import PipelineSettings
from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.retrieval.context import reconsidered
from patina.store import Collection, Entry, Store, Write
from patina.testing.plugin import FakePlugin
from patina.types import Candidate, Document, Ranking

if TYPE_CHECKING:
    from patina.types import Vector

IDENTITY = "a" * 64
NOTHING = np.zeros(3, np.float32)


def vector(*numbers: float) -> Vector:
    row = np.array(numbers, np.float32)
    return row / np.float32(np.linalg.norm(row))


def document(path: str, count: int) -> Entry:
    texts = [f"{path} {number}" for number in range(count)]
    pieces = [Piece(text=text, start_byte=0, end_byte=0, start_line=1, end_line=1) for text in texts]
    one = Document(path=path, location=path, digest=digest(path.encode()))
    return entry("notes", one, "", Cutter("given", lambda _text, _language: pieces))


class Shelf:
    """A store with documents whose passages have the vectors given."""

    def __init__(self, documents: Mapping[str, Sequence[Vector]]) -> None:
        self.store = Store.open(None)
        self.store.save_collection(Collection(name="notes", identity=IDENTITY, dimension=3)).result()
        entries = {path: document(path, len(vectors)) for path, vectors in documents.items()}
        self.store.write(Write(collection="notes", puts=list(entries.values()))).result()
        self.ids = {path: [chunk.id for chunk in one.chunks] for path, one in entries.items()}
        known = {
            chunk.digest: row.astype("<f4").tobytes()
            for path, vectors in documents.items()
            for chunk, row in zip(entries[path].chunks, vectors, strict=True)
        }
        self.store.put_vectors(IDENTITY, known).result()


def order(shelf: Shelf, question: Vector, everyday: Vector, passages: Sequence[tuple[str, int]]) -> list[str]:
    ids = [shelf.ids[path][at] for path, at in passages]
    ranking = Ranking("dense", [Candidate(id, 1.0 - place / 10) for place, id in enumerate(ids)])
    after = reconsidered(ranking, question, everyday, shelf.store)
    assert {candidate.id: candidate.score for candidate in after.candidates} == {
        candidate.id: candidate.score for candidate in ranking.candidates
    }
    names = {id: path for path, held in shelf.ids.items() for id in held}
    return [names[candidate.id] for candidate in after.candidates]


def test_a_passage_whose_document_is_about_the_question_passes_one_that_stands_alone() -> None:
    near, far, between = vector(1, 0.1, 0), vector(0, 0, 1), vector(1, 0.5, 0)
    shelf = Shelf(
        {
            "stray": [near, far, far, far],
            "subject": [between, *[vector(1, 0, 0)] * 8],
            "middle": [vector(1, 0.4, 0)],
        }
    )
    first = [("stray", 0), ("subject", 0), ("middle", 0)]
    assert order(shelf, vector(1, 0, 0), NOTHING, first) == ["subject", "stray", "middle"]


def test_what_all_questions_have_in_common_does_not_count() -> None:
    everyday = vector(0, 0, 1)
    question = vector(0.4, 0, 1)
    shelf = Shelf({"chatty": [everyday], "neither": [vector(0.3, 0.9, 0.3)], "meant": [vector(1, 0, 0.2)]})
    asked = [("chatty", 0), ("meant", 0), ("neither", 0)]
    assert order(shelf, question, NOTHING, asked)[0] == "chatty"
    assert order(shelf, question, everyday, asked)[0] == "meant"


def test_what_has_no_vector_or_is_gone_stays_behind_and_nothing_is_lost() -> None:
    shelf = Shelf({"a": [vector(1, 0, 0)], "b": [vector(0, 1, 0)]})
    shelf.store.write(Write(collection="notes", deletes=["a"])).result()
    assert sorted(order(shelf, vector(1, 0, 0), NOTHING, [("a", 0), ("b", 0)])) == ["a", "b"]
    assert reconsidered(Ranking("dense", []), vector(1, 0, 0), NOTHING, shelf.store).candidates == []


@pytest.mark.parametrize(("size", "most", "taken"), [(10, 3, [0, 4, 7]), (3, 16, [0, 1, 2]), (1, 1, [0])])
def test_a_sample_is_spread_over_the_whole_document(size: int, most: int, taken: list[int]) -> None:
    rows = [vector(1, number, 0) for number in range(size)]
    shelf = Shelf({"long": rows})
    near = shelf.store.surroundings(shelf.ids["long"][:1], most)
    [sample] = near.sample.values()
    assert [rows[at].astype("<f4").tobytes() for at in taken] == sample


NOTES = [
    {"id": "long", "text": "\n\n".join(f"# Part {number}\n\n{'amber lamp ' * 120}" for number in range(6))},
    *({"id": f"n{number}", "text": f"harbour boat {number}"} for number in range(4)),
]


async def paths(home: Path, query: str, **settings: object) -> list[str]:
    defaults = PipelineSettings(embedder="fake", index="fake", **settings)  # type: ignore[arg-type]
    async with Patina(Config(home=home, defaults=defaults), plugins={"fakes": FakePlugin()}) as patina:
        await patina.index("notes", NOTES)
        return [hit.path for hit in (await patina.scry(query, limit=5)).hits]


async def test_a_doubtful_question_names_each_document_once_before_any_twice(tmp_path: Path) -> None:
    doubtful = await paths(tmp_path / "a", "what glows at dusk")
    assert len(set(doubtful)) == 5
    assert await paths(tmp_path / "b", "what glows at dusk", use_context=False) != doubtful


async def test_a_question_whose_words_are_held_is_left_alone(tmp_path: Path) -> None:
    plain = await paths(tmp_path / "a", "amber lamp")
    assert plain == ["long"] * 5
    assert await paths(tmp_path / "b", "amber lamp", use_context=False) == plain
