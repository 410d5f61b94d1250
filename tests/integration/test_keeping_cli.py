"""Keeping, as a user does it: commands beside a daemon, files where they were named, one sentence when it cannot be."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import House

ROOT_NEEDED = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """A file system that is soon full."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def many(folder: Path, number: int) -> None:
    folder.mkdir(exist_ok=True)
    for at in range(number):
        (folder / f"{at:04}.md").write_text(f"# Paper {at}\n\n" + f"Lamp {at} burns over harbour {at % 7}. " * 40)


def test_everything_through_one_daemon(house: House, notes: Path) -> None:
    """Index, count, export, delete, import, back up: and what is there afterwards is what was there before."""
    house.ok("index", notes)
    pid = house.daemon_pid()
    (before,) = house.json("stats")["collections"]
    assert before["documents"] == 2
    assert "notes" in house.ok("stats")
    asked = house.json("scry", "rotated logs")["hits"]

    below = house.work / "below"
    below.mkdir()
    assert house.json("export", "--output", "all.jsonl", cwd=below)["chunks"] == before["chunks"]
    lines = (below / "all.jsonl").read_bytes()
    assert house.json("backup", "patina.backup", cwd=below)["size"] == (below / "patina.backup").stat().st_size
    assert stat.S_IMODE((below / "patina.backup").stat().st_mode) == 0o600

    said = house.ok("delete", "--repo", "notes", "--path", "bread.md", "--path", "nothing")
    assert "1 document" in said
    assert "There is no nothing." in said
    assert "patina index" in said
    assert house.run("delete", "--repo", "notes", "--all").returncode == 2
    assert house.json("delete", "--repo", "notes", "--all", "--yes")["documents"] == 1
    assert house.json("stats")["collections"] == []

    assert "imported into notes" in house.ok("import", "all.jsonl", cwd=below)
    assert house.ok("export", "--output", "-").encode() == lines
    again = house.json("scry", "rotated logs")["hits"]
    assert again == asked
    assert house.json("commit")["seq"] > 0
    assert house.ok("rebuild", "--dry-run").startswith("Every index is as it should be")
    assert "Everything agrees" in house.ok("verify", "--full")
    assert house.daemon_pid() == pid

    assert house.run("restore", "patina.backup", "--yes", cwd=below).returncode == 4
    house.ok("daemon", "stop")
    done = house.run("restore", "patina.backup", cwd=below)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "before-restore" in house.ok("restore", "patina.backup", "--yes", cwd=below)
    house.ok("commit")
    assert house.json("scry", "rotated logs")["hits"] == asked


def test_an_index_that_was_damaged_is_planned_for_and_rebuilt(house: House, notes: Path) -> None:
    """What is derived is derived again by itself, and `rebuild` does it in any case when a collection is named."""
    house.ok("index", notes)
    before = house.json("scry", "rotated logs")["hits"]
    assert house.json("rebuild")["reports"] == []
    (report,) = house.json("rebuild", "--repo", "notes")["reports"]
    assert report["repo"] == "notes"
    assert house.json("scry", "rotated logs")["hits"] == before
    assert house.run("rebuild", "--repo", "nots").returncode == 2


def test_an_export_comes_in_through_a_pipe(house: House, notes: Path) -> None:
    house.ok("index", notes)
    lines = house.ok("export", "--output", "-")
    done = subprocess.run(
        house.command("import", "-", "--repo", "copy", "--json"),
        env=house.env,
        cwd=house.work,
        input=lines,
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert json.loads(done.stdout)["state"] == "succeeded"
    assert len(house.ok("export", "--output", "-", "--repo", "copy").splitlines()) == len(lines.splitlines())


def test_a_file_that_is_damaged_is_refused_with_its_line_and_an_absent_one_by_its_name(
    house: House, notes: Path
) -> None:
    house.ok("index", notes)
    house.ok("export", "--output", "all.jsonl")
    lines = (house.work / "all.jsonl").read_text().splitlines(keepends=True)
    (house.work / "all.jsonl").write_text("".join([*lines[:-1], lines[-1][:50]]))
    done = house.run("import", "all.jsonl", "--repo", "copy")
    assert done.returncode == 2
    assert f"Line {len(lines)}" in done.stderr
    done = house.run("import", "nothing.jsonl")
    assert done.returncode == 2
    assert "nothing.jsonl" in done.stderr
    assert [one["name"] for one in house.json("stats")["collections"]] == ["notes"]


@pytest.mark.crash
def test_an_import_goes_on_after_its_client_and_its_daemon_were_killed(house: House) -> None:
    many(house.work / "papers", 2000)
    house.ok("index", house.work / "papers")
    house.ok("export", "--output", "all.jsonl")
    lines = (house.work / "all.jsonl").read_bytes()
    house.ok("delete", "--repo", "papers", "--all", "--yes")
    begun, daemon = 0, house.daemon_pid()
    for victim in ("client", "daemon"):
        client = subprocess.Popen(
            house.command("import", "all.jsonl", "--quiet"),
            env=house.env,
            cwd=house.work,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with client:
            while True:
                assert client.poll() is None, "it was through before it could be killed"
                (job, *_) = house.json("jobs", "list")["jobs"] or [{"kind": "", "done": 0}]
                if job["kind"] == "import" and job["state"] == "running" and job["done"] > begun:
                    break
            if victim == "client":
                client.kill()
            else:
                os.kill(daemon, signal.SIGKILL)
            client.communicate(timeout=90)
        (job, *_) = house.json("jobs", "list")["jobs"]
        assert job["kind"] == "import"
        assert job["state"] != "succeeded", "it was through before it could be killed"
        begun = job["done"]
    finished = house.json("import", "all.jsonl")
    assert finished["state"] == "succeeded"
    assert finished["id"] == job["id"]
    assert house.ok("export", "--output", "-").encode() == lines
    assert house.json("verify", "--full")["faults"] == []


@pytest.mark.crash
@ROOT_NEEDED
def test_a_disk_that_is_full_keeps_the_file_that_was_there(house: House, tmp_path: Path) -> None:
    many(house.work / "papers", 60)
    house.ok("index", house.work / "papers")
    with small_disk(tmp_path / "small", 64) as small:
        for command in (["export", "--output"], ["backup"]):
            (small / "kept").write_text("what was there")
            done = house.run(*command, small / "kept")
            assert done.returncode == 1
            assert "No space left on device" in done.stderr
            assert str(small / "kept") in done.stderr
            assert [path.name for path in small.iterdir()] == ["kept"]
            assert (small / "kept").read_text() == "what was there"


def test_a_home_has_one_process(house: House) -> None:
    """The second is told who is the first, by its process id."""
    with house.serving() as first:
        first.addresses()
        for words in (["serve"], ["verify", "--standalone"], ["restore", "x", "--yes"]):
            done = house.run(*words)
            assert done.returncode == 4, done.stderr
            assert str(first.process.pid) in done.stderr
