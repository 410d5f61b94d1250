"""Export and import: nothing is lost on the way, what was broken off goes on, and what is damaged is named."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from patina import Patina, wire
from patina.client import Client, connect
from patina.client.lines import Source
from patina.errors import InvalidRequest, JobNotFound, PatinaError
from patina.testing import engine

WORDS = ("lamp", "boat", "harbour", "soup", "sailor", "star", "bread", "tide")
TWICE = "The same sentence stands here again. " * 40


def documents(number: int) -> list[dict[str, Any]]:
    """Some of several passages, some with equal ones, with all that a document can have."""
    made = []
    for at in range(number):
        parts = [f"## Part {part}\n\n{(WORDS[(at + part) % 8] + ' and ') * 200}{at}." for part in range(at % 4 + 1)]
        text = "\n\n".join(["# About ümlauts \u2603", *parts, *[f"## Again\n\n{TWICE}"] * (at % 3)])
        made.append({"id": f"d{at:03}.md", "path": f"d{at:03}.md", "text": text, "metadata": {"shelf": str(at % 3)}})
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An export of the collection "notes"."""

    async def made() -> bytes:
        async with engine(tmp_path_factory.mktemp("whole"), index="hybrid") as running:
            await running.index("notes", documents(12))
            return await exported(running)

    return asyncio.run(made())


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home", index="hybrid") as running:
        await running.index("notes", documents(12))
        await running.index("other", [{"id": "url", "text": "Elsewhere.", "url": "https://there.example/"}])
        yield running


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "other-home", index="hybrid") as running:
        yield running


async def exported(patina: Patina, repos: list[str] | None = None) -> bytes:
    async with connect(patina) as client:
        lines = [chunk async for chunk in client.export(repos or [])]
    fields = wire.ChunkLine.__struct_fields__
    return b"".join(msgspec.json.encode({name: getattr(line, name) for name in fields}) + b"\n" for line in lines)


def source(raw: bytes, name: str = "/some/export.jsonl") -> Source:
    return Source(name, io.BufferedReader(io.BytesIO(raw)))


async def imported(client: Client, given: Source, **fields: Any) -> wire.Job:
    async for job in client.import_lines(given, **fields):
        last = job
    return last


async def answers(patina: Patina) -> list[list[tuple[str, float]]]:
    found = [await patina.scry(f"{word} and", limit=20) for word in WORDS]
    return [[(hit.id, hit.score) for hit in hits.hits] for hits in found]


async def settled(patina: Patina) -> None:
    await patina.rooms.indexing.quietly(patina.rooms.shelf.all, lambda: None)
    for one in patina.rooms.shelf.all:
        await patina.rooms.indexing._followers[one.name].settle(embedded=True)


async def test_an_export_taken_in_elsewhere_answers_the_same_and_exports_the_same(
    patina: Patina, other: Patina
) -> None:
    raw = await exported(patina)
    async with connect(other) as client:
        job = await imported(client, source(raw))
        assert (job.kind, job.state, job.done, job.total) == ("import", "succeeded", raw.count(b"\n"), raw.count(b"\n"))
        assert [listed.id for listed in (await client.handle(wire.ListJobs())).jobs] == [job.id]
    await settled(other)
    assert await exported(other) == raw
    assert await answers(other) == await answers(patina)
    ours, theirs = (
        one.rooms.store.vectors([json.loads(line)["id"] for line in raw.splitlines()]) for one in (patina, other)
    )
    assert ours == theirs
    assert (await other.handle(wire.Verify(full=True))).faults == []


async def test_what_lost_single_passages_comes_back_as_it_was(patina: Patina, other: Patina) -> None:
    """Also where of two equal passages the first is gone: the second keeps its id."""
    async with connect(patina) as client:
        lines = [chunk async for chunk in client.export(["notes"])]
        texts = [chunk.text for chunk in lines if chunk.path == "d005.md"]
        repeated = next(chunk for chunk in lines if chunk.path == "d005.md" and texts.count(chunk.text) > 1)
        await client.delete("notes", ids=[repeated.id])
    raw = await exported(patina)
    async with connect(other) as client:
        await imported(client, source(raw))
    assert await exported(other) == raw


async def test_another_name_gives_other_ids_and_the_same_passages(patina: Patina) -> None:
    raw = await exported(patina, ["notes"])
    async with connect(patina) as client:
        await imported(client, source(raw), repo="copy")
    ours, theirs = [
        [json.loads(line) for line in (await exported(patina, [name])).splitlines()] for name in ("notes", "copy")
    ]
    assert [line["text"] for line in ours] == [line["text"] for line in theirs]
    assert not {line["id"] for line in ours} & {line["id"] for line in theirs}
    await settled(patina)
    assert (await patina.handle(wire.Verify(full=True))).faults == []


async def test_the_same_again_changes_nothing(patina: Patina) -> None:
    raw = await exported(patina)
    async with connect(patina) as client:
        seq = (await client.commit()).seq
        await imported(client, source(raw))
        assert (await client.commit()).seq == seq
    assert await exported(patina) == raw


@pytest.mark.parametrize("batches", [1, 2])
async def test_what_was_broken_off_goes_on_where_it_ended(
    patina: Patina, other: Patina, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patina.client.lines.BATCH_CHUNKS", 20)
    raw = await exported(patina)
    async with connect(other) as client:
        steps = client.import_lines(source(raw))
        for _ in range(1 + batches):
            broken = await anext(steps)
        await steps.aclose()  # type: ignore[attr-defined]
        assert 0 < broken.done < (broken.total or 0)
        assert (await exported(other)).count(b"\n") == broken.done
        begun = [job async for job in client.import_lines(source(raw))]
    assert begun[0].id == broken.id
    assert begun[0].done == broken.done
    assert (begun[-1].state, begun[-1].attempts) == ("succeeded", 2)
    assert await exported(other) == raw


async def test_another_process_goes_on_too(patina: Patina, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patina.client.lines.BATCH_CHUNKS", 20)
    raw = await exported(patina)
    async with engine(tmp_path / "third", index="hybrid") as third, connect(third) as client:
        steps = client.import_lines(source(raw))
        await anext(steps)
        first = await anext(steps)
        await steps.aclose()  # type: ignore[attr-defined]
    async with engine(tmp_path / "third", index="hybrid") as third, connect(third) as client:
        job = await client.handle(wire.ShowJob(id=first.id))
        assert job.state == "interrupted"
        assert "patina import" in (job.message or "")
        assert (await imported(client, source(raw))).id == first.id
        assert await exported(third) == raw


async def test_a_source_that_changed_is_refused_until_it_is_forced(
    patina: Patina, other: Patina, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patina.client.lines.BATCH_CHUNKS", 20)
    raw, less = await exported(patina), await exported(patina, ["other"])
    async with connect(other) as client:
        steps = client.import_lines(source(raw))
        await anext(steps)
        broken = await anext(steps)
        await steps.aclose()  # type: ignore[attr-defined]
        with pytest.raises(InvalidRequest, match="not what it was") as refused:
            await imported(client, source(less))
        assert "--force" in refused.value.hint
        anew = await imported(client, source(less), force=True)
        assert anew.id != broken.id
        assert (await client.handle(wire.ShowJob(id=broken.id))).state == "cancelled"


async def test_a_client_that_says_nothing_for_long_counts_as_gone(
    patina: Patina, other: Patina, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patina.engine.imports.IDLE_S", 0.05)
    given = source(await exported(patina))
    async with connect(other) as client:
        job = await anext(client.import_lines(given))
        async for event in client.stream(wire.WatchJob(id=job.id)):
            watched = event
        assert isinstance(watched, wire.Watched)
        assert watched.job.state == "interrupted"
        with pytest.raises(InvalidRequest, match="interrupted"):
            await client.handle(wire.CloseImport(job=job.id))
        monkeypatch.setattr("patina.engine.imports.IDLE_S", 60)
        assert (await imported(client, given)).state == "succeeded"


async def test_an_import_that_is_cancelled_takes_nothing_more(patina: Patina, other: Patina) -> None:
    given = source(await exported(patina))
    async with connect(other) as client:
        steps = client.import_lines(given)
        job = await anext(steps)
        assert (await client.handle(wire.CancelJob(id=job.id))).state == "cancelled"
        with pytest.raises(InvalidRequest, match="cancelled"):
            await anext(steps)


async def test_batches_must_follow_each_other_and_be_all(patina: Patina, other: Patina) -> None:
    given = source(await exported(patina, ["other"]))
    [[(_, line)]] = given.batches(0)
    async with connect(other) as client:
        job = await anext(client.import_lines(given))
        with pytest.raises(InvalidRequest, match="at line 0"):
            await client.handle(wire.ImportBatch(job=job.id, chunks=[line], upto=3))
        with pytest.raises(InvalidRequest, match="0 of 1"):
            await client.handle(wire.CloseImport(job=job.id))
        with pytest.raises(JobNotFound):
            await client.handle(wire.ImportBatch(job=999, chunks=[line], upto=1))


# -- files that are not as an export wrote them -----------------------------------------------------------------------

Edit = Callable[[list[dict[str, Any]]], object]


def put(number: int, **fields: Any) -> Edit:
    return lambda lines: lines[number].update(fields)


@pytest.mark.parametrize(
    ("edit", "line", "why"),
    [
        (put(3, start_byte=-1), 4, "start_byte"),
        (put(3, end_byte=0), 4, "ends before it begins"),
        (put(3, start_line=0), 4, "ends before it begins"),
        (put(3, text="Something else."), 4, "was changed"),
        (put(3, repo="elsewhere"), 4, "otherwise of its document"),
        (put(3, metadata={"shelf": 1}), 4, "metadata"),
        (put(3, previous=None), 4, "not the passage that follows"),
        (lambda lines: lines.pop(3), 4, "not the passage that follows"),
        (lambda lines: lines.pop(0), 1, "begins in the middle"),
        (lambda lines: lines.insert(1, lines[0]), 2, "not the passage that follows"),
        (lambda lines: lines[5].pop("text"), 6, "text"),
    ],
)
def test_a_line_that_is_wrong_is_named(whole: bytes, edit: Edit, line: int, why: str) -> None:
    lines = [json.loads(raw) for raw in whole.splitlines()]
    lines = [one for one in lines if one["path"] in {"d003.md", "d004.md"}]
    edit(lines)
    with pytest.raises(InvalidRequest, match=why) as refused:
        source("".join(json.dumps(one) + "\n" for one in lines).encode())
    assert refused.value.message.startswith(f"Line {line}")


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda raw: raw[: raw.rindex(b"\n", 0, -1) + 40], None),
        (lambda raw: b"\xff\xfe" + raw, 1),
        (lambda raw: b"\n" + raw, 1),
        (lambda raw: b"[1]\n" + raw, 1),
        (lambda raw: b"SQLite format 3\x00" + raw, 1),
        (lambda raw: b'{"id":' * 5_000 + b"\n" + raw, 1),
    ],
)
def test_a_file_that_is_cut_or_something_else_is_named_by_its_line(
    whole: bytes, damage: Callable[[bytes], bytes], line: int | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        source(damage(whole))
    assert refused.value.message.startswith(f"Line {line or whole.count(bytes([10]))} ")


def test_a_document_that_is_cut_off_is_named_by_its_last_line(whole: bytes) -> None:
    lines = whole.splitlines(keepends=True)
    cut = next(number for number, line in enumerate(lines, 1) if json.loads(line)["next"])
    with pytest.raises(InvalidRequest, match=f"Line {cut}: the document ends in the middle"):
        source(b"".join(lines[:cut]))


async def test_an_engine_believes_no_client(whole: bytes, other: Patina) -> None:
    """Whoever speaks to it without our reading of files gets the same refusals, and the line's number."""
    [first, *_] = source(whole).batches(0)
    wrong = [msgspec.structs.replace(line.chunk, text="Changed.") for line in first]
    async with connect(other) as client:
        job = await client.handle(wire.OpenImport(source="x", digest="d"))
        with pytest.raises(PatinaError, match="Line 1: "):
            await client.handle(wire.ImportBatch(job=job.id, chunks=wrong, upto=len(wrong)))
        assert (await client.status()).collections == []
