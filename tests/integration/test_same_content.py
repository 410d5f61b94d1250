"""Content that is there already: the same costs nothing; nearly the same is kept, passed over, or takes its place."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from patina import Patina, wire
from patina.config import Config, IngestSettings, PipelineSettings
from patina.store import Write
from patina.testing import FakeEmbedder, FakePlugin

LONG = " ".join(f"Sentence {number} says something that no other sentence says." for number in range(400))
NEARLY = LONG.replace("Sentence 200 says", "Sentence 200 tells")
OTHER = " ".join(f"Paragraph {number} is about the harbour and its boats." for number in range(400))


@asynccontextmanager
async def library(home: Path, **ingest: Any) -> AsyncIterator[tuple[Patina, FakeEmbedder]]:
    embedder = FakeEmbedder()
    config = Config(home=home, defaults=PipelineSettings(index="fake"), ingest=IngestSettings(**ingest))
    async with Patina(config, embedder=embedder, plugins={"fakes": FakePlugin()}) as running:
        yield running, embedder


def written(file: Path, text: str, modified: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (modified, modified))


def held(patina: Patina, repo: str = "shelf") -> set[str]:
    return set(patina.rooms.store.documents(repo))


async def test_the_same_content_again_only_refreshes_its_row(tmp_path: Path) -> None:
    async with library(tmp_path / "home") as (patina, embedder):
        store = patina.rooms.store

        async def take(modified_at: float | None) -> wire.IndexReport:
            return await patina.index("notes", [{"id": "a", "text": LONG, "modified_at": modified_at}])

        first = await take(1000.0)
        position, embedded = store.head("notes"), embedder.texts
        again = await take(2000.0)
        assert (first.added, again.added, again.changed, again.unchanged) == (1, 0, 0, 1)
        assert again.embedded == 0
        assert store.head("notes") == position, "no passage is told again"
        assert embedder.texts == embedded
        assert store.documents("notes")["a"].modified_ns == 2000 * 10**9
        assert (await patina.scry("sentence", filter={"since": 1500})).hits
        await take(None)
        assert store.documents("notes")["a"].modified_ns == 2000 * 10**9, "the content is as old as it was"


async def test_a_file_that_was_only_touched_is_told_to_no_index(tmp_path: Path) -> None:
    file = tmp_path / "shelf" / "a.txt"
    written(file, LONG, 1_600_000_000)
    async with library(tmp_path / "home") as (patina, embedder):
        await patina.index_paths([file.parent])
        position, embedded = patina.rooms.store.head("shelf"), embedder.texts
        os.utime(file, (1_700_000_000, 1_700_000_000))
        [report] = await patina.index_paths([file.parent])
        assert (report.unchanged, report.changed, report.embedded) == (1, 0, 0)
        assert (patina.rooms.store.head("shelf"), embedder.texts) == (position, embedded)
        assert patina.rooms.store.documents("shelf")["a.txt"].modified_ns == 1_700_000_000 * 10**9


async def test_near_duplicates_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    async with library(tmp_path / "home") as (patina, _):
        report = await patina.index("shelf", [{"id": "a", "text": LONG}, {"id": "b", "text": NEARLY}])
        assert (report.added, held(patina)) == (2, {"a", "b"})


async def test_a_near_duplicate_is_skipped_and_counted(tmp_path: Path) -> None:
    async with library(tmp_path / "home", near_duplicates="skip") as (patina, _):
        both = await patina.index("shelf", [{"id": "a", "text": LONG}, {"id": "b", "text": NEARLY}])
        assert (both.added, both.skipped) == (1, {"near_duplicate": 1})
        later = await patina.index("shelf", [{"id": "c", "text": NEARLY}, {"id": "d", "text": OTHER}])
        assert (later.added, later.skipped) == (1, {"near_duplicate": 1})
        assert held(patina) == {"a", "d"}
        changed = await patina.index("shelf", [{"id": "a", "text": NEARLY}])
        assert (changed.changed, changed.skipped) == (1, {}), "nothing is a duplicate of itself"
        became = await patina.index("shelf", [{"id": "d", "text": LONG}])
        assert (became.removed, held(patina)) == (1, {"a"}), "what has become a duplicate leaves no old text behind"
        assert (await patina.index("other", [{"id": "a", "text": LONG}])).added == 1, (
            "collections do not know each other"
        )


async def test_a_skipped_file_comes_back_when_the_original_goes(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    written(shelf / "a.txt", LONG, 1_600_000_000)
    written(shelf / "b.txt", NEARLY, 1_600_000_001)
    async with library(tmp_path / "home", near_duplicates="skip") as (patina, _):
        await patina.index_paths([shelf])
        assert held(patina) == {"a.txt"}
        (shelf / "a.txt").unlink()
        [report] = await patina.index_paths([shelf])
        assert (report.added, report.removed, held(patina)) == (1, 1, {"b.txt"})
        (shelf / "b.txt").rename(shelf / "c.txt")
        await patina.index_paths([shelf])
        assert held(patina) == {"c.txt"}, "what was only renamed is no duplicate of what it was"


async def test_of_near_duplicates_the_last_modified_stays(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    written(shelf / "a.txt", LONG, 1_600_000_002)
    written(shelf / "b.txt", NEARLY, 1_600_000_001)
    async with library(tmp_path / "home", near_duplicates="replace") as (patina, _):
        await patina.index_paths([shelf])
        assert held(patina) == {"a.txt"}
        written(shelf / "c.txt", NEARLY, 1_600_000_003)
        [report] = await patina.index_paths([shelf])
        assert (report.added, report.removed, held(patina)) == (1, 1, {"c.txt"})
        [report] = await patina.index_paths([shelf])
        assert (report.added, report.removed, report.skipped["near_duplicate"]) == (0, 0, 2), "no run undoes another's"
        hits = await patina.scry("sentence", mode="lexical", limit=1000)
        assert {hit.path for hit in hits.hits} == {"c.txt"}


async def test_the_old_one_goes_with_the_write_that_brings_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with library(tmp_path / "home", near_duplicates="replace") as (patina, _):
        await patina.index("shelf", [{"id": "a", "text": LONG, "modified_at": 1.0}])
        writes: list[Write] = []
        write = patina.rooms.store.write

        def noted(one: Write) -> Future[int]:
            writes.append(one)
            return write(one)

        monkeypatch.setattr(patina.rooms.store, "write", noted)
        await patina.index("shelf", [{"id": "b", "text": NEARLY, "modified_at": 2.0}])
        assert [(one.deletes, [put.document.path for put in one.puts]) for one in writes] == [(["a"], ["b"])]


async def test_two_that_were_kept_do_not_chase_each_other_out(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    for name in ("a.txt", "b.txt"):
        written(shelf / name, LONG, 1_600_000_000)
    async with library(tmp_path / "home") as (patina, _):
        await patina.index_paths([shelf])
        assert held(patina) == {"a.txt", "b.txt"}
    for policy in ("skip", "replace"):
        for name in ("a.txt", "b.txt"):
            written(shelf / name, LONG, 1_700_000_000 + len(policy))
        async with library(tmp_path / "home", near_duplicates=policy) as (patina, _):
            await patina.index_paths([shelf])
            assert len(held(patina)) == 1
