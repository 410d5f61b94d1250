"""Jobs outlive the process: what was asked, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from patina.errors import JobNotFound
from patina.store import Entry, JobMark, JobRecord, JobState, Store, Write, jobs

Draft = Callable[..., Entry]


def add(store: Store, **fields: object) -> int:
    return store.add_job(msgspec.convert({"kind": "index", **fields}, JobRecord)).result()


def test_a_job_comes_back_as_it_was_saved(store: Store) -> None:
    record = JobRecord(
        kind="import",
        collection="papers",
        request='{"paths": ["/papers"]}',
        state="failed",
        stage="reading",
        done=3,
        total=7,
        cursor="line 12",
        failed=2,
        errors=[("a", "too large"), ("b", "no text")],
        result="{}",
        message="The disk is full.",
        attempts=2,
        created_at=1.5,
        started_at=2.5,
        ended_at=3.5,
    )
    id = store.add_job(record).result()
    kept = msgspec.structs.replace(record, id=id)
    assert store.job(id) == kept
    assert store.jobs() == [kept]
    changed = msgspec.structs.replace(kept, state="running", total=None, cursor=None, errors=[], ended_at=None)
    store.save_job(changed).result()
    assert store.job(id) == changed


def test_a_new_job_gets_an_id_and_the_time(store: Store) -> None:
    first, second = add(store), add(store)
    assert (first, second) == (1, 2)
    job = store.job(second)
    assert job is not None
    assert job.created_at is not None
    assert job.state == "queued"
    store.save_job(JobRecord(id=second, kind="index", state="running")).result()
    assert (again := store.job(second)) is not None
    assert again.created_at == job.created_at
    assert store.job(3) is None


def test_jobs_are_listed_newest_first_and_by_state(store: Store) -> None:
    states: list[JobState] = ["succeeded", "queued", "running", "succeeded", "interrupted"]
    for state in states:
        add(store, state=state)
    assert [job.id for job in store.jobs()] == [5, 4, 3, 2, 1]
    assert [job.id for job in store.jobs(limit=2)] == [5, 4]
    assert [job.id for job in store.jobs(["succeeded", "queued"])] == [4, 2, 1]
    assert store.jobs(["cancelled"]) == []


def test_old_jobs_are_forgotten_but_none_that_has_not_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KEPT", 3)
    for state in ("running", "queued", "cancelling"):
        add(store, state=state)
    for _ in range(5):
        add(store, state="succeeded")
    assert [job.id for job in store.jobs()] == [8, 7, 6, 3, 2, 1]
    add(store, state="queued")
    for job in store.jobs():
        store.save_job(msgspec.structs.replace(job, state="cancelled")).result()
    assert add(store) == 10, "an id is never given twice"
    assert [job.id for job in store.jobs()] == [10, 9, 8, 7]


def test_a_mark_is_there_exactly_when_its_write_is(store: Store, draft: Draft) -> None:
    id = add(store, state="running", total=9)
    mark = JobMark(id=id, stage="embedding", done=1, total=None, cursor="a", failed=4)
    good = store.write(Write(collection="papers", puts=[draft("a", "one")], job=mark))
    late = JobMark(id=id, stage="never", done=2)
    bad = store.write(Write(collection="papers", deletes=["\udcff"], job=late))
    assert good.exception() is None
    assert bad.exception() is not None
    job = store.job(id)
    assert job is not None
    assert (job.stage, job.done, job.total, job.cursor, job.failed) == ("embedding", 1, None, "a", 4)
    assert job.state == "running"


def test_an_unknown_job_is_named_and_nothing_is_written(store: Store, draft: Draft) -> None:
    with pytest.raises(JobNotFound, match="job 7") as refusal:
        store.save_job(JobRecord(id=7, kind="index")).result()
    assert "patina jobs list" in refusal.value.hint
    with pytest.raises(JobNotFound):
        store.write(Write(collection="papers", puts=[draft("a", "one")], job=JobMark(id=7, stage="", done=1))).result()
    assert store.counts("papers").documents == 0
