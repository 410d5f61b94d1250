"""Deleting: counts, names that nothing has, what a search finds afterwards, and whole collections that go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from patina import Patina, wire
from patina.client import Client, connect
from patina.errors import Busy, InvalidRequest, NotFound
from patina.testing import engine

SECTIONS = f"# Harbour\n\n{'Boats sleep in the harbour. ' * 40}\n\n# Lamps\n\n{'Lamps burn at night. ' * 40}\n"


def documents() -> list[dict[str, Any]]:
    return [
        {"id": "in/harbour.md", "path": "in/harbour.md", "text": SECTIONS},
        {"id": "in/sea", "text": "A sailor reads the stars.", "url": "https://sea.example/stars"},
        {"id": "cook", "text": "Stir the soup."},
    ]


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home", index="hybrid") as running:
        await running.index("notes", documents())
        yield running


@pytest.fixture
async def client(patina: Patina) -> AsyncIterator[Client]:
    async with connect(patina) as client:
        yield client


async def held(client: Client) -> set[str]:
    return {chunk.path async for chunk in client.export(["notes"])}


async def test_documents_go_by_path_and_by_address_and_unknown_names_are_told(client: Client) -> None:
    deleted = await client.delete("notes", paths=["cook", "https://sea.example/stars", "nothing"])
    assert (deleted.documents, deleted.chunks, deleted.unknown) == (2, 2, ["nothing"])
    assert await held(client) == {"in/harbour.md"}
    assert (await client.scry("soup", mode="lexical")).hits == []


async def test_a_folder_goes_with_all_below_it(client: Client) -> None:
    deleted = await client.delete("notes", folder="in/")
    assert (deleted.documents, deleted.unknown) == (2, [])
    assert (await client.delete("notes", folder="in")).unknown == ["in"]
    assert await held(client) == {"cook"}


async def test_one_passage_goes_and_its_neighbours_close_up(client: Client) -> None:
    chunks = [chunk async for chunk in client.export(["notes"]) if chunk.path == "in/harbour.md"]
    assert len(chunks) > 1
    deleted = await client.delete("notes", ids=[chunks[0].id, "0" * 32])
    assert (deleted.documents, deleted.chunks, deleted.unknown) == (0, 1, ["0" * 32])
    rest = [chunk async for chunk in client.export(["notes"]) if chunk.path == "in/harbour.md"]
    assert [chunk.id for chunk in rest] == [chunk.id for chunk in chunks[1:]]
    assert rest[0].previous is None
    assert (await client.verify(full=True)).faults == []


async def test_a_document_goes_with_its_last_passage(client: Client) -> None:
    [soup] = [chunk.id async for chunk in client.export(["notes"]) if chunk.path == "cook"]
    assert (await client.delete("notes", ids=[soup])).documents == 1
    assert (await client.status()).collections[0].documents == 2


async def test_a_collection_goes_with_its_index_and_its_name_is_free_again(client: Client, patina: Patina) -> None:
    indexes = patina.config.cache / "indexes"
    assert len(list(indexes.iterdir())) == 1
    before = [chunk async for chunk in client.export(["notes"])]
    deleted = await client.delete("notes", everything=True)
    assert (deleted.documents, deleted.chunks) == (3, len(before))
    assert list(indexes.iterdir()) == []
    with pytest.raises(NotFound):
        await client.scry("soup", repos=["notes"])
    await patina.index("notes", [{"id": "new", "text": "Stir the tea."}])
    assert [hit.path for hit in (await client.scry("stir", mode="lexical")).hits] == ["new"]
    assert (await client.verify(full=True)).faults == []


async def test_what_was_left_of_a_forgotten_collection_goes_at_the_next_start(tmp_path: Path) -> None:
    stranger = tmp_path / "home" / "cache" / "indexes" / "gone-01234567"
    stranger.mkdir(parents=True)
    async with engine(tmp_path / "home", index="hybrid"):
        assert not stranger.exists()


async def test_searches_checks_and_writes_outlive_a_collection_that_is_dropped_and_made_anew(
    client: Client, patina: Patina
) -> None:
    """Whatever runs beside it is answered, or told that the collection is gone; nothing hangs or fails otherwise."""
    outcomes: list[BaseException | object] = []

    async def ask(request: wire.Request[Any]) -> None:
        for _ in range(8):
            outcomes.extend(await asyncio.gather(client.handle(request), return_exceptions=True))

    async def drop() -> None:
        for _ in range(4):
            await client.delete("notes", everything=True)
            await patina.index("notes", documents())

    async with asyncio.timeout(60):
        await asyncio.gather(
            drop(),
            ask(wire.Scry(query="soup", repos=["notes"])),
            ask(wire.Verify(repos=["notes"])),
            ask(wire.Stats()),
            ask(wire.Status()),
            ask(wire.Index(repo="notes", documents=[wire.InputDocument(id="more", text="More of it.")])),
        )
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [failure for failure in failures if not isinstance(failure, NotFound)] == []
    await client.commit()
    assert (await client.verify(full=True)).faults == []


@pytest.mark.parametrize("fields", [{}, {"everything": True, "paths": ["cook"]}])
async def test_what_to_delete_must_be_clear(client: Client, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await client.delete("notes", **fields)
    assert len(await held(client)) == 3


async def test_who_waits_too_long_is_told(client: Client, patina: Patina, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patina.engine.removal.PATIENCE_S", 0.05)
    async with patina.rooms.indexing.alone("notes"):
        with pytest.raises(Busy, match="notes"):
            await client.delete("notes", paths=["cook"])
    assert (await client.delete("notes", paths=["cook"])).documents == 1


async def test_a_folder_brings_its_files_back_and_that_is_said(client: Client, patina: Patina, tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "a.txt").write_text("Apples.")
    await patina.index_paths([folder])
    deleted = await client.delete("shelf", paths=["a.txt"])
    assert deleted.note is not None
    assert str(folder) in deleted.note
    [report] = await patina.index_paths([folder])
    assert report.added == 1
