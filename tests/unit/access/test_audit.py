"""The audit log has who changed what, done or refused, and never what was said."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from patina import wire
from patina.access import AuditLog
from patina.access.audit import OLD_FILES
from patina.errors import InsufficientScope, NotFound
from patina.testing import engine
from patina.types import Scope

TEXT = "Boats sleep in the harbour at night."


def lines(log: AuditLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()] if log.path.exists() else []


def caller(*scopes: Scope) -> wire.Caller:
    return wire.Caller(origin="http", name="key 5febfd28", scopes=scopes, request_id="r1")


def a_document(text: str = TEXT) -> wire.Index:
    return wire.Index(repo="notes", documents=[wire.InputDocument(id="harbour", text=text)])


async def test_changes_are_written_down_and_questions_are_not(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    async with engine(tmp_path / "home") as patina:
        patina.audit = log
        await patina.handle(a_document(), caller("write"))
        await patina.handle(wire.Scry(query="where are the boats"), caller("read"))
        await patina.handle(wire.Embed(texts=["a secret thought"]), caller("embed"))
        with pytest.raises(InsufficientScope):
            await patina.handle(wire.Delete(repo="notes", everything=True), caller("read", "embed"))
        with pytest.raises(NotFound):
            await patina.handle(wire.Delete(repo="nowhere", everything=True), caller("write"))
        await patina.handle(wire.Delete(repo="notes", everything=True))
    keys = ("origin", "who", "action", "outcome", "collections")
    assert [tuple(line.get(key) for key in keys) for line in lines(log)] == [
        ("http", "key 5febfd28", "index", "done", ["notes"]),
        ("http", "key 5febfd28", "delete", "insufficient_scope", ["notes"]),
        ("http", "key 5febfd28", "delete", "not_found", ["nowhere"]),
        ("local", "", "delete", "done", ["notes"]),
    ]
    assert {line.get("request_id") for line in lines(log)} == {"r1", None}
    assert lines(log)[0]["time"].endswith("+00:00")
    written = log.path.read_text()
    for said in ("Boats", "boats", "secret", "harbour"):
        assert said not in written
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


async def test_a_stream_that_has_replied_is_done_and_one_that_is_left_is_cancelled(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    async with engine(tmp_path / "home") as patina:
        await patina.handle(a_document())
        patina.audit = log
        whole = patina.stream(wire.Backup())
        while not isinstance(await anext(whole), wire.BackupDone):
            pass
        await whole.aclose()  # type: ignore[attr-defined]
        left = patina.stream(wire.Backup())
        await anext(left)
        await left.aclose()  # type: ignore[attr-defined]
    assert [(line["action"], line["outcome"]) for line in lines(log)] == [("backup", "done"), ("backup", "cancelled")]


async def test_what_may_be_asked_depends_on_the_scopes(tmp_path: Path) -> None:
    async with engine(tmp_path / "home") as patina:
        await patina.handle(a_document(), caller("write"))
        for refused in (wire.IndexPaths(paths=["/etc"]), wire.Backup(), wire.Shutdown(), wire.Verify()):
            with pytest.raises(InsufficientScope, match="admin"):
                await patina.handle(refused, caller("write", "embed", "deploy"))
        with pytest.raises(InsufficientScope, match="admin"):
            await patina.handle(wire.Start(work=wire.IndexPaths(paths=["/etc"])), caller("write"))
        assert not patina.shutdown_requested.is_set()
        assert await patina.handle(wire.Verify(), caller("admin"))
        assert await patina.handle(wire.Ping(), caller())


def test_the_log_is_put_aside_and_only_so_many_are_kept(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, file_bytes=1000)
    for number in range(100):
        log.note("cli", "uid 0", "create_key", subject=f"{number:08x}")
    folder = log.path.parent
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["audit.log", *(f"audit.log.{number}" for number in range(1, OLD_FILES + 1))]
    assert all(path.stat().st_size <= 1000 for path in folder.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    kept = [
        json.loads(line)["subject"] for name in reversed(names) for line in (folder / name).read_text().splitlines()
    ]
    assert kept == [f"{number:08x}" for number in range(100 - len(kept), 100)]


async def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = AuditLog(tmp_path)
    log.path.mkdir(parents=True)
    async with asyncio.timeout(60), engine(tmp_path / "home") as patina:
        patina.audit = log
        await patina.handle(a_document())
    assert "audit log cannot be written" in caplog.text
