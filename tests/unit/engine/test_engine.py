"""The engine as a Python program uses it, with the fakes for model and index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patina import Patina, wire
from patina.config import Config, PipelineSettings
from patina.errors import InvalidRequest, Locked, Mismatch, ModelNotFound, NotFound, Unsupported
from patina.testing import FakeEmbedder, FakePlugin, engine

NOTES: list[dict[str, Any]] = [
    {"id": "log", "text": "The handler rotates the log file when it is full."},
    {"id": "cook", "text": "Stir the soup and let it simmer.", "title": "Soup", "url": "https://soup.example/1"},
    {"id": "sea", "text": "A sailor reads the stars.", "metadata": {"shelf": "travel"}},
]


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home") as running:
        yield running


def lines(folder: Path, name: str, *texts: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n\n".join(texts))


async def test_a_document_is_found_as_soon_as_it_was_taken_in(patina: Patina) -> None:
    report = await patina.index("notes", NOTES)
    assert (report.added, report.chunks, report.embedded, report.note) == (3, 3, 3, None)
    hits = await patina.scry("rotating logs", explain=True)
    first = hits.hits[0]
    assert (first.repo, first.path, first.start_line, first.end_line) == ("notes", "log", 1, 1)
    assert first.matched == ["rotating", "logs"]
    assert first.score == pytest.approx(1.0)
    assert hits.degraded is None


async def test_taking_in_the_same_again_computes_nothing(patina: Patina) -> None:
    await patina.index("notes", NOTES)
    again = await patina.index("notes", NOTES)
    assert (again.added, again.unchanged, again.embedded) == (0, 3, 0)


async def test_a_document_of_a_known_name_is_replaced(patina: Patina) -> None:
    await patina.index("notes", NOTES)
    report = await patina.index("notes", [{"id": "cook", "text": "Bake the bread."}])
    assert report.changed == 1
    assert [hit.path for hit in (await patina.scry("soup", mode="lexical")).hits] == []
    assert (await patina.scry("bread", mode="lexical")).hits[0].path == "cook"


async def test_files_are_followed_changed_moved_and_deleted(patina: Patina, tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    lines(folder, "a.md", "# Ducks", "Ducks swim on the pond.")
    lines(folder, "b.txt", "Geese fly south.")
    [first] = await patina.index_paths([folder])
    assert (first.repo, first.added, first.embedded) == ("shelf", 2, 2)
    lines(folder, "b.txt", "Geese fly north.")
    (folder / "a.md").rename(folder / "c.md")
    [second] = await patina.index_paths([folder])
    assert (second.added, second.changed, second.removed, second.unchanged) == (1, 1, 1, 0)
    assert second.embedded == 1  # what only moved is known already
    hit = (await patina.scry("ducks")).hits[0]
    assert (hit.path, hit.location) == ("c.md", str(folder / "c.md"))
    assert (await patina.handle(wire.Verify(full=True))).ok


async def test_only_what_lies_under_the_given_path_is_removed(patina: Patina, tmp_path: Path) -> None:
    lines(tmp_path / "shelf" / "one", "a.txt", "Apples.")
    lines(tmp_path / "shelf" / "two", "b.txt", "Pears.")
    await patina.index_paths([tmp_path / "shelf"])
    for path in ("one/a.txt", "two/b.txt"):
        (tmp_path / "shelf" / path).unlink()
    [report] = await patina.index_paths([tmp_path / "shelf" / "one"])
    assert (report.repo, report.removed) == ("shelf", 1)
    assert len((await patina.scry("pears", mode="lexical")).hits) == 1


async def test_a_clash_of_names_asks_for_another(patina: Patina, tmp_path: Path) -> None:
    lines(tmp_path / "here" / "docs", "a.txt", "Apples.")
    lines(tmp_path / "there" / "docs", "b.txt", "Pears.")
    await patina.index_paths([tmp_path / "here" / "docs"])
    with pytest.raises(InvalidRequest, match="--name"):
        await patina.index_paths([tmp_path / "there" / "docs"])
    [report] = await patina.index_paths([tmp_path / "there" / "docs"], name="pears")
    assert report.repo == "pears"


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"query": ""}, InvalidRequest, "query"),
        ({"query": "x", "limit": 0}, InvalidRequest, "limit"),
        ({"query": "x", "limit": 100_000}, InvalidRequest, "limit"),
        ({"query": "x", "mode": "psychic"}, InvalidRequest, "mode"),
        ({"query": "x", "repos": ["nots"]}, NotFound, "repos"),
        ({"query": "x", "mode": "file"}, InvalidRequest, "file"),
        ({"query": "", "mode": "file", "file": "nowhere.py"}, NotFound, "file"),
    ],
)
async def test_a_bad_question_names_its_field(
    patina: Patina, fields: dict[str, object], error: type[Exception], param: str
) -> None:
    await patina.index("notes", NOTES)
    with pytest.raises(error) as raised:
        await patina.scry(**fields)  # type: ignore[arg-type]
    assert raised.value.param == param  # type: ignore[attr-defined]
    assert "notes" in str(raised.value) or param != "repos"


async def test_filters_keep_the_limit_filled(patina: Patina) -> None:
    many = [
        {"id": f"n{n}", "text": f"note {n}", "metadata": {"kind": "rare" if n % 100 == 0 else "common"}}
        for n in range(300)
    ]
    await patina.index("many", many)
    rare = await patina.scry("note", limit=3, filter=wire.Filter(metadata={"kind": "rare"}))
    assert {hit.path for hit in rare.hits} == {"n0", "n100", "n200"}


async def test_a_file_finds_its_neighbours(patina: Patina) -> None:
    await patina.index("notes", [*NOTES, {"id": "log2", "text": "Another handler for a full log file."}])
    hits = (await patina.scry("", mode="file", file="log")).hits
    assert hits[0].path == "log2"
    assert "log" not in {hit.path for hit in hits}


async def test_a_minimum_score_is_kept(patina: Patina) -> None:
    await patina.index("notes", NOTES)
    assert [hit.path for hit in (await patina.scry("soup", min_score=0.9)).hits] == ["cook"]


async def test_several_collections_answer_as_one(patina: Patina) -> None:
    await patina.index("first", [NOTES[0]])
    await patina.index("second", [NOTES[1]])
    both = await patina.scry("log soup")
    assert {hit.repo for hit in both.hits} == {"first", "second"}
    assert {hit.repo for hit in (await patina.scry("log soup", repos=["second"])).hits} == {"second"}


async def test_vectors_are_the_same_alone_and_among_others(patina: Patina) -> None:
    alone = await patina.embed(["one text"])
    among = await patina.embed(["another", "one text", "a third"])
    assert alone.shape == (1, 64)
    assert np.array_equal(alone[0], among[1])
    with pytest.raises(ModelNotFound, match="fake"):
        await patina.embed(["x"], model="other")
    with pytest.raises(InvalidRequest):
        await patina.embed(["x", ""])


async def test_progress_is_told_and_the_reports_come_last(patina: Patina, tmp_path: Path) -> None:
    lines(tmp_path / "shelf", "a.txt", "Apples.")
    events = [event async for event in patina.stream(wire.IndexPaths(paths=[str(tmp_path / "shelf")]))]
    assert {type(event) for event in events[:-1]} == {wire.Progress}
    assert isinstance(events[-1], wire.Reports)
    assert {event.stage for event in events[:-1] if isinstance(event, wire.Progress)} == {"read", "embed"}


async def test_leaving_a_stream_keeps_what_was_committed(tmp_path: Path) -> None:
    for n in range(200):
        lines(tmp_path / "shelf", f"{n}.txt", f"Apple number {n}.")
    async with engine(tmp_path / "home") as patina:
        events = patina.stream(wire.IndexPaths(paths=[str(tmp_path / "shelf")]))
        await anext(events)
        await events.aclose()  # type: ignore[attr-defined]
        assert (await patina.handle(wire.Verify(full=True))).ok
        [report] = await patina.index_paths([tmp_path / "shelf"])
        assert report.added + report.unchanged == 200
        assert report.failed == []


async def test_export_gives_every_chunk_in_order(patina: Patina) -> None:
    await patina.index("notes", NOTES)
    *chunks, end = [event async for event in patina.stream(wire.Export())]
    assert end == wire.Exported(chunks=3)
    assert {chunk.text for chunk in chunks if isinstance(chunk, wire.ExportedChunk)} == {n["text"] for n in NOTES}


async def test_a_home_reopens_as_it_was_left(tmp_path: Path) -> None:
    async with engine(tmp_path / "home") as patina:
        await patina.index("notes", NOTES)
        before = await patina.scry("stars")
    async with engine(tmp_path / "home") as patina:
        after = await patina.scry("stars")
        assert (after.hits, after.degraded) == (before.hits, None)


async def test_two_homes_give_the_same_ids(tmp_path: Path) -> None:
    ids = []
    for home in ("one", "two"):
        async with engine(tmp_path / home) as patina:
            await patina.index("notes", NOTES)
            ids.append([hit.id for hit in (await patina.scry("the")).hits])
    assert ids[0] == ids[1]


async def test_a_home_has_one_engine(patina: Patina) -> None:
    with pytest.raises(Locked):
        await engine(patina.config.home).start()
    assert (await patina.scry("still here")).hits == []


async def test_another_model_is_refused_until_the_rebuild(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with engine(home) as patina:
        await patina.index("notes", NOTES)
    config = Config(home=home, defaults=PipelineSettings(index="fake"))
    other = FakeEmbedder(name="other", dimension=32)
    async with Patina(config, embedder=other, plugins={"fakes": FakePlugin()}) as patina:
        for attempt in (patina.scry("soup"), patina.index("notes", NOTES)):
            with pytest.raises(Mismatch, match="patina rebuild --repo notes"):
                await attempt
        assert (await patina.scry("soup", mode="lexical")).hits[0].path == "cook"
        rebuilt = await patina.handle(wire.Rebuild(repo="notes"))
        assert rebuilt.embedded == 3
        assert (await patina.scry("soup")).hits[0].path == "cook"
        assert (await patina.handle(wire.Verify(full=True))).ok


async def test_questions_are_answered_while_the_model_is_busy(tmp_path: Path) -> None:
    plugin = FakePlugin()
    config = Config(
        home=tmp_path / "home",
        defaults=PipelineSettings(embedder="fake", index="fake"),
        embedders={"fake": {"delay_s": 0.05}},
    )
    async with Patina(config, plugins={"fakes": plugin}) as patina:
        report = await patina.index(
            "notes", [{"id": f"n{n}", "text": f"Note about subject{n}."} for n in range(100)], wait=False
        )
        assert "once the daemon has embedded it" in (report.note or "")
        await asyncio.sleep(0.3)
        hits = await patina.scry("subject42")
        assert hits.hits[0].path == "n42"
        assert hits.degraded is not None
        assert "% of 100 chunks are embedded" in hits.degraded


async def test_what_is_unknown_is_unsupported(patina: Patina) -> None:
    class Dance(wire.Request[wire.Pong], frozen=True, kw_only=True, tag="dance"):
        pass

    with pytest.raises(Unsupported):
        await patina.handle(Dance())


async def test_starting_and_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    import threading

    async with engine(tmp_path / "home") as patina:
        await patina.index("notes", NOTES)
    threads = threading.active_count()
    for _ in range(10):
        async with engine(tmp_path / "home") as patina:
            await patina.scry("soup")
        await patina.close()
    assert threading.active_count() <= threads


async def test_documents_do_not_go_where_the_next_run_would_remove_them(patina: Patina, tmp_path: Path) -> None:
    lines(tmp_path / "shelf", "a.txt", "Apples are red.")
    await patina.index_paths([tmp_path / "shelf"])
    with pytest.raises(InvalidRequest, match=r"'shelf' follows the folder .*another collection"):
        await patina.index("shelf", NOTES)
    [report] = await patina.index_paths([tmp_path / "shelf"])
    assert (report.unchanged, report.removed) == (1, 0)
