"""Jobs as a client sees them: begun, watched, ended, gone on with."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from patina import Patina, wire
from patina.config import Config, PipelineSettings
from patina.errors import Busy, InvalidRequest, JobNotFound, Mismatch, NotFound, Unavailable
from patina.ingest.extract import extract
from patina.jobs import jobs as limits
from patina.testing import FakeEmbedder, FakePlugin, engine
from patina.types import Embedded, Tokens

SOON_S = 30
PENDING = {"queued", "running", "cancelling"}


class Patient(FakeEmbedder):
    """Embeds nothing until it is let go, and refuses whatever speaks of poison."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = ""
        self.go = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        if any(self.refuses in cast("tuple[str, ...]", tokens.payload) for tokens in batch):
            raise InvalidRequest("This text cannot be read.")
        asyncio.run_coroutine_threadsafe(self.go.wait(), self._loop).result()
        return super().embed(batch)


@pytest.fixture
async def embedder() -> Patient:
    return Patient()


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home") as running:
        yield running


@asynccontextmanager
async def opened(home: Path, embedder: FakeEmbedder, *, resume_jobs: bool = True) -> AsyncIterator[Patina]:
    config = Config(home=home, defaults=PipelineSettings(index="fake"))
    async with Patina(config, embedder=embedder, plugins={"fakes": FakePlugin()}, resume_jobs=resume_jobs) as patina:
        try:
            yield patina
        finally:
            if isinstance(embedder, Patient):
                embedder.go.set()  # closing waits for the text that is being embedded


def shelf(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(number):
        (folder / f"{n:04}.txt").write_text(f"Apple number {n} is red.")
    return folder


def paths(folder: Path, **fields: Any) -> wire.Start:
    return wire.Start(work=wire.IndexPaths(paths=[str(folder)], **fields))


async def at_its_end(patina: Patina, id: int) -> wire.Job:
    async with asyncio.timeout(SOON_S):
        watched = await patina.handle(wire.WatchJob(id=id))
    return watched.job


async def until(patina: Patina, id: int, true: Callable[[wire.Job], bool]) -> wire.Job:
    async with asyncio.timeout(SOON_S):
        while not true(job := await patina.handle(wire.ShowJob(id=id))):
            await asyncio.sleep(0.01)
    return job


async def test_a_start_is_answered_at_once_and_watched_to_its_end(tmp_path: Path, embedder: Patient) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        begun = await patina.handle(paths(shelf(tmp_path / "shelf", 5)))
        assert (begun.id, begun.kind, begun.repo, begun.state) == (1, "index", "shelf", "queued")
        running = await until(patina, begun.id, lambda job: job.stage == "embed")
        assert (running.state, running.total, running.attempts) == ("running", 5, 1)
        assert [job.id for job in (await patina.handle(wire.Status())).jobs] == [1]
        embedder.go.set()
        *progress, last = [event async for event in patina.stream(wire.WatchJob(id=1))]
        assert isinstance(last, wire.Watched)
        assert {event.stage for event in progress if isinstance(event, wire.Progress)} == {"read", "embed"}
        job = last.job
        assert (job.state, job.done, job.total, job.cursor) == ("succeeded", 5, 5, "0004.txt")
        assert [(report.repo, report.added, report.embedded) for report in job.reports] == [("shelf", 5, 5)]
        assert (await patina.handle(wire.ShowJob(id=1))) == job
        assert (await patina.handle(wire.Status())).jobs == []


async def test_every_run_over_files_is_a_job_and_rebuilds_are(patina: Patina, tmp_path: Path) -> None:
    await patina.index_paths([shelf(tmp_path / "shelf", 2)])
    await patina.handle(wire.Rebuild(repo="shelf"))
    jobs = (await patina.handle(wire.ListJobs())).jobs
    assert [(job.id, job.kind, job.state) for job in jobs] == [(2, "rebuild", "succeeded"), (1, "index", "succeeded")]
    assert [job.id for job in (await patina.handle(wire.ListJobs(states=["succeeded"], limit=1))).jobs] == [2]
    assert (await patina.handle(wire.ListJobs(states=["failed"]))).jobs == []


async def test_a_watcher_who_leaves_stops_nothing(tmp_path: Path, embedder: Patient) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        job = await patina.handle(paths(shelf(tmp_path / "shelf", 3)))
        watching = patina.stream(wire.WatchJob(id=job.id))
        await anext(watching)
        await watching.aclose()  # type: ignore[attr-defined]
        embedder.go.set()
        assert (await at_its_end(patina, job.id)).state == "succeeded"


async def test_a_caller_who_leaves_cancels(tmp_path: Path, embedder: Patient) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        events = patina.stream(paths(shelf(tmp_path / "shelf", 3)).work)
        assert isinstance(await anext(events), wire.Progress)
        await events.aclose()  # type: ignore[attr-defined]
        assert (await patina.handle(wire.ShowJob(id=1))).state == "cancelled"


# -- cancelling -------------------------------------------------------------------------------------------------------


async def test_cancelling_keeps_what_is_stored_twice_is_fine_and_unknown_is_not_found(
    tmp_path: Path, embedder: Patient
) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        job = await patina.handle(paths(shelf(tmp_path / "shelf", 3)))
        await until(patina, job.id, lambda job: job.stage == "embed")
        for _ in range(2):
            cancelled = await patina.handle(wire.CancelJob(id=job.id))
            assert (cancelled.state, cancelled.message) == ("cancelled", "All of it is stored, and embedded behind.")
        assert len((await patina.scry("apple", mode="lexical")).hits) == 3
        embedder.go.set()
        assert (await patina.index("other", [{"text": "pear"}])).embedded == 1
        for request in (wire.CancelJob, wire.ShowJob, wire.WatchJob, wire.ResumeJob, wire.RetryJob):
            with pytest.raises(JobNotFound, match="no job 4711"):
                await patina.handle(request(id=4711))


async def test_cancelling_stops_the_reading_within_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, read_one, go = [], asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(path: str, raw: bytes) -> Any:
        read.append(path)
        if len(read) == 300:
            loop.call_soon_threadsafe(read_one.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        return extract(path, raw)

    monkeypatch.setattr("patina.ingest.pipeline.extract", slow)
    async with engine(tmp_path / "home") as patina:
        job = await patina.handle(paths(shelf(tmp_path / "shelf", 600)))
        await read_one.wait()
        cancelling = asyncio.create_task(patina.handle(wire.CancelJob(id=job.id)))
        await until(patina, job.id, lambda job: job.state == "cancelling")
        go.set()
        assert (await cancelling).state == "cancelled"
        assert len(read) == 300
        [collection] = (await patina.handle(wire.Status())).collections
        assert collection.documents == 300
        assert (await patina.handle(wire.ShowJob(id=job.id))).cursor == "0299.txt"
        [report] = await patina.index_paths([tmp_path / "shelf"])
        assert (report.added, report.unchanged) == (300, 300)


async def test_a_queued_job_and_one_that_waits_for_another_writer_are_cancelled(
    tmp_path: Path, embedder: Patient
) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        folder = shelf(tmp_path / "shelf", 2)
        first = await patina.handle(paths(folder))
        await until(patina, first.id, lambda job: job.stage == "embed")
        second = await patina.handle(paths(folder))
        cancelled = await patina.handle(wire.CancelJob(id=second.id))
        assert (cancelled.state, cancelled.message, cancelled.attempts) == ("cancelled", "It had not begun.", 0)
        assert (await patina.handle(wire.ShowJob(id=first.id))).state == "running"
        embedder.go.set()
        assert (await at_its_end(patina, first.id)).state == "succeeded"


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_so_many_run_at_once_and_those_that_wait_for_a_collection_take_no_place(
    tmp_path: Path, embedder: Patient
) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        same = [await patina.handle(paths(shelf(tmp_path / "same", 1))) for _ in range(6)]
        async with asyncio.timeout(SOON_S):
            while not (await patina.handle(wire.ListJobs(states=["running"]))).jobs:
                await asyncio.sleep(0.01)
        others = []
        for n in range(4):
            others.append(await patina.handle(paths(shelf(tmp_path / f"other-{n}", 1))))
            if n < 3:
                await until(patina, others[n].id, lambda job: job.state == "running")
        jobs = (await patina.handle(wire.ListJobs())).jobs
        running = [job.repo for job in jobs if job.state == "running"]
        assert sorted(running) == ["other-0", "other-1", "other-2", "same"]
        assert {job.state for job in jobs} == {"running", "queued"}
        embedder.go.set()
        for job in (*same, *others):
            assert (await at_its_end(patina, job.id)).state == "succeeded"


async def test_the_queue_has_an_end(tmp_path: Path, embedder: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_WAITING", 2)
    monkeypatch.setattr(limits, "MAX_HELD_BYTES", 10)
    async with opened(tmp_path / "home", embedder) as patina:
        folder = shelf(tmp_path / "shelf", 1)
        first = await patina.handle(paths(folder))
        await until(patina, first.id, lambda job: job.state == "running")
        await patina.handle(paths(folder))
        queued = wire.Index(repo="notes", documents=[wire.InputDocument(text="more than ten")], ack="queued")
        job = (await patina.handle(queued)).job
        assert job is not None
        await until(patina, job, lambda job: job.state != "queued")
        with pytest.raises(Busy, match="documents"):
            await patina.handle(queued)
        await patina.handle(paths(folder))
        with pytest.raises(Busy, match="2 jobs"):
            await patina.handle(paths(folder))
        embedder.go.set()


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_what_cannot_begin_is_refused_and_makes_no_job(patina: Patina, tmp_path: Path) -> None:
    for work, error in (
        (wire.IndexPaths(paths=[str(tmp_path / "nowhere")]), NotFound),
        (wire.IndexPaths(paths=["not/absolute"]), InvalidRequest),
        (wire.Rebuild(repo="nowhere"), NotFound),
    ):
        with pytest.raises(error):
            await patina.handle(wire.Start(work=work))
    assert (await patina.handle(wire.ListJobs())).jobs == []


async def test_a_job_that_fails_says_why_as_its_request_would_have(tmp_path: Path) -> None:
    async with engine(tmp_path / "home") as patina:
        await patina.index_paths([shelf(tmp_path / "shelf", 1)])
    async with opened(tmp_path / "home", FakeEmbedder(name="other", dimension=32)) as patina:
        job = await at_its_end(patina, (await patina.handle(paths(tmp_path / "shelf"))).id)
        assert (job.state, job.failure and job.failure.code) == ("failed", "model_mismatch")
        assert "patina rebuild" in (job.message or "")
        with pytest.raises(Mismatch, match="patina rebuild"):
            await patina.index_paths([tmp_path / "shelf"])
        await patina.handle(wire.Rebuild(repo="shelf"))
        assert (await patina.handle(wire.ResumeJob(id=job.id))).state == "queued"
        assert (await at_its_end(patina, job.id)).state == "succeeded"
        with pytest.raises(InvalidRequest, match="has succeeded"):
            await patina.handle(wire.ResumeJob(id=job.id))


async def test_failed_files_are_listed_and_tried_again(patina: Patina, tmp_path: Path) -> None:
    folder = shelf(tmp_path / "shelf", 3)
    odd = os.fsdecode(os.fsencode(folder) + b"/\xff.txt")
    shutil.move(folder / "0002.txt", odd)
    job = await at_its_end(patina, (await patina.handle(paths(folder))).id)
    assert (job.state, job.failed) == ("succeeded", 1)
    assert job.errors == [wire.InputFailure(path="\\xff.txt", reason="The name is not valid UTF-8.")]
    [listed] = (await patina.handle(wire.ListJobs())).jobs
    assert (listed.failed, listed.errors, listed.reports) == (1, [], [])
    shutil.move(odd, folder / "0002.txt")
    assert (await patina.handle(wire.RetryJob(id=job.id))).id == job.id
    again = await at_its_end(patina, job.id)
    assert (again.failed, again.errors, again.reports[0].added) == (0, [], 1)


async def test_refused_chunks_are_counted_kept_and_tried_again_when_asked(tmp_path: Path, embedder: Patient) -> None:
    embedder.refuses = "poison"
    embedder.go.set()
    notes = [{"id": "a", "text": "An apple."}, {"id": "b", "text": "A poison apple."}]
    async with opened(tmp_path / "home", embedder) as patina:
        report = await patina.index("notes", notes)
        assert (report.embedded, report.note) == (1, "The model refused 1 chunk; `patina jobs retry` tries again.")
    async with opened(tmp_path / "home", embedder) as patina:
        [status] = (await patina.handle(wire.Status())).collections
        assert (status.chunks, status.embedded, status.failed) == (2, 1, 1)
        assert {hit.path for hit in (await patina.scry("apple", mode="lexical")).hits} == {"a", "b"}
        embedder.refuses = ""
        before = embedder.texts
        await patina.index("notes", [{"id": "c", "text": "A pear."}])
        assert embedder.texts == before + 1  # it is not tried again by itself
        job = await at_its_end(patina, (await patina.handle(wire.RetryJob())).id)
        assert (job.kind, job.state, job.reports[0].embedded) == ("retry", "succeeded", 1)
        [status] = (await patina.handle(wire.Status())).collections
        assert (status.embedded, status.failed) == (3, 0)


async def test_a_model_that_refuses_everything_is_broken_and_no_chunk_is_blamed(
    tmp_path: Path, embedder: Patient
) -> None:
    embedder.refuses = ""
    async with opened(tmp_path / "home", Everything()) as patina:
        report = await patina.index("notes", [{"id": "a", "text": "An apple."}])
        assert "Not all is searchable by meaning yet: Not today." in (report.note or "")
        [status] = (await patina.handle(wire.Status())).collections
        assert (status.failed, status.problem) == (0, "Not today.")


class Everything(FakeEmbedder):
    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        raise InvalidRequest("Not today.")


# -- documents --------------------------------------------------------------------------------------------------------


async def test_documents_that_are_only_queued_are_a_job(tmp_path: Path, embedder: Patient) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        documents = [wire.InputDocument(text=f"Pear number {n}.", id=f"p{n}") for n in range(3)]
        queued = await patina.handle(wire.Index(repo="notes", documents=documents, ack="queued"))
        assert queued.job == 1
        await until(patina, 1, lambda job: job.stage == "embed")
        assert len((await patina.scry("pear", mode="lexical")).hits) == 3
        embedder.go.set()
        job = await at_its_end(patina, 1)
        assert (job.kind, job.state, job.cursor, job.reports[0].added) == ("documents", "succeeded", "3", 3)


async def test_a_written_acknowledgement_waits_for_no_embedding(tmp_path: Path, embedder: Patient) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        request = wire.Index(repo="notes", documents=[wire.InputDocument(text="A pear.")], ack="written")
        async with asyncio.timeout(SOON_S):
            report = await patina.handle(request)
        assert (report.added, report.embedded, report.job) == (1, 0, None)
        embedder.go.set()


# -- stopping and starting --------------------------------------------------------------------------------------------


async def test_what_a_shutdown_interrupts_goes_on_with_the_next_engine(tmp_path: Path, embedder: Patient) -> None:
    home, folder = tmp_path / "home", shelf(tmp_path / "shelf", 3)
    async with opened(home, embedder) as patina:
        first = await patina.handle(paths(folder))
        await until(patina, first.id, lambda job: job.stage == "embed")
        queued = wire.Index(repo="notes", documents=[wire.InputDocument(text="A pear.", id="p")], ack="queued")
        await patina.handle(paths(folder))
        third = (await patina.handle(queued)).job
        assert third is not None
        await until(patina, third, lambda job: job.stage == "embed")
        watching = asyncio.create_task(at_its_end(patina, first.id))
        await asyncio.sleep(0)
        embedder.go.set()
        await patina.rooms.jobs.stop()
        interrupted = await watching
        assert (interrupted.state, interrupted.ended_at) == ("interrupted", None)
        with pytest.raises(Unavailable, match="stopping"):
            await patina.handle(paths(folder))
    async with opened(home, embedder, resume_jobs=False) as patina:
        jobs = (await patina.handle(wire.ListJobs())).jobs
        assert {job.state for job in jobs} <= {"interrupted", "queued"}
    async with opened(home, embedder) as patina:
        for id in (1, 2, 3):
            job = await at_its_end(patina, id)
            assert (job.state, job.attempts) == ("succeeded", 1)
        assert {hit.repo for hit in (await patina.scry("apple pear", mode="lexical")).hits} == {"notes", "shelf"}
