"""Taking in and asking, from the command line."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import House

QUESTION = "how is a log rotated?"
FIELDS = {
    *("id", "score", "rrf", "repo", "path", "location", "start_line", "end_line"),
    *("title", "heading", "text", "snippet", "previous", "next", "arms"),
}
SOURCE = {"document", "language", "metadata", "start_byte", "end_byte"}
"""What an export has more than a hit, so that it can be imported."""


def test_two_commands_from_nothing_to_an_answer(house: House, notes: Path) -> None:
    indexed = house.run("index", notes)
    assert indexed.returncode == 0
    assert "notes: 2 added" in indexed.stdout
    answer = house.ok("scry", QUESTION)
    assert "notes/rotation.md:" in answer
    assert "words #1" in answer
    assert "Logs are rotated" in answer
    assert "! " in answer  # that there is no model, and what adds it


def test_json_is_alone_on_stdout_and_has_one_shape(house: House, notes: Path) -> None:
    done = house.run("index", notes, "--json", "-v")
    assert [report["added"] for report in json.loads(done.stdout)["reports"]] == [2]
    assert "Asking the daemon at unix:" in done.stderr
    reply = house.json("scry", QUESTION, "--explain")
    hit = reply["hits"][0]
    assert set(hit) >= FIELDS
    assert (hit["repo"], hit["path"], hit["location"]) == ("notes", "rotation.md", str(notes / "rotation.md"))
    assert hit["arms"].keys() == {"lexical"}
    assert reply["degraded"]
    nothing = house.run("scry", "zymurgy", "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)["hits"]) == (0, [])


def test_every_command_that_prints_has_json(house: House, notes: Path) -> None:
    house.ok("index", notes)
    for words in ("status", "ping", "plugins", "plugins info unix", "config show", "verify", "daemon status"):
        assert house.json(*words.split())
    assert [report["repo"] for report in house.json("rebuild", "--repo", "notes")["reports"]] == ["notes"]
    assert house.json("export", "--output", "out.jsonl")["chunks"] >= 2
    assert house.json("daemon", "stop")["pid"]


def test_the_socket_standalone_and_in_process_give_the_same_answer(house: House, notes: Path) -> None:
    house.ok("index", notes)

    def asked(*options: str, **env: str) -> list[tuple[str, float]]:
        hits = house.json("scry", QUESTION, "--all-repos", *options, env=env)["hits"]
        return [(hit["id"], hit["score"]) for hit in hits]

    through_daemon = asked()
    house.ok("daemon", "stop")
    assert asked("--standalone") == through_daemon
    assert asked(PATINA_AUTO_START="0") == through_daemon
    assert house.run("ping").returncode == 3


def test_standalone_never_asks_a_daemon_and_exits_4_beside_one(house: House, notes: Path) -> None:
    with house.serving() as daemon:
        daemon.addresses()
        for words in (["scry", "x"], ["index", notes], ["status"], ["verify"], ["export", "--output", "-"]):
            done = house.run(*words, "--standalone")
            assert done.returncode == 4, words
            assert str(daemon.process.pid) in done.stderr
            assert done.stdout == ""


def test_without_auto_start_a_command_answers_itself_and_says_so(house: House, notes: Path) -> None:
    env = {"PATINA_AUTO_START": "0"}
    done = house.run("index", notes, env=env)
    assert done.returncode == 0
    assert "in this process" in done.stderr
    assert house.run("index", notes, "--no-wait", env=env).returncode == 2
    assert not (house.home / "logs").exists()


def test_the_collection_around_the_working_directory_is_asked(house: House, notes: Path) -> None:
    other = house.work / "other"
    shutil.copytree(notes, other)
    house.ok("index", notes, other)

    def repos(*options: str, cwd: Path | None = None) -> set[str]:
        return {hit["repo"] for hit in house.json("scry", QUESTION, *options, cwd=cwd)["hits"]}

    assert repos() == {"notes", "other"}
    assert repos(cwd=notes) == {"notes"}
    assert repos("--all-repos", cwd=notes) == {"notes", "other"}
    assert repos("--repo", "other", cwd=notes) == {"other"}
    assert repos("--repo", "other", "--repo", "notes") == {"notes", "other"}
    assert "\n 1. rotation.md:" in "\n" + house.ok("scry", QUESTION, cwd=notes)


def test_relative_paths_mean_the_clients_directory(house: House, notes: Path) -> None:
    house.ok("index", ".", cwd=notes)
    assert [each["root"] for each in house.json("status")["collections"]] == [str(notes)]
    house.ok("export", "--output", "out.jsonl", cwd=notes)
    assert (notes / "out.jsonl").exists()
    assert house.json("scry", "--file", "rotation.md", cwd=notes)["hits"] is not None


def test_a_second_run_takes_in_only_what_changed(house: House, notes: Path) -> None:
    house.ok("index", notes)
    (notes / "bread.md").unlink()
    (notes / "cheese.md").write_text("# Cheese\n\nCurd is pressed.\n")
    (report,) = house.json("index", notes)["reports"]
    assert (report["added"], report["changed"], report["removed"], report["unchanged"]) == (1, 0, 1, 1)


def test_skipped_files_are_counted_by_reason(house: House, notes: Path) -> None:
    (notes / "picture.png").write_bytes(bytes(range(256)) * 8)
    house.ok("index", notes)
    assert "Left out: 1 binary" in house.ok("index", notes)


@pytest.mark.ordinary
def test_an_unreadable_file_is_listed_and_exits_5(house: House, notes: Path) -> None:
    (notes / "secret.md").write_text("x")
    (notes / "secret.md").chmod(0)
    done = house.run("index", notes)
    assert done.returncode == 5
    assert "secret.md" in done.stderr
    assert "2 added" in done.stdout
    assert house.run("index", notes, "--strict").returncode == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["scry", "x", "--repo", "notse"], "notes"),
        (["rebuild", "--repo", "notse"], "notes"),
        (["verify", "--repo", "notse"], "notes"),
        (["export", "--repo", "notse", "--output", "x.jsonl"], "notes"),
        (["scry", "--file", "nowhere.md"], "nowhere.md"),
    ],
)
def test_a_name_that_does_not_exist_exits_2(house: House, notes: Path, words: list[str], named: str) -> None:
    env = {"PATINA_AUTO_START": "0"}
    house.ok("index", notes, env=env)
    done = house.run(*words, env=env)
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stdout == ""
    assert not (house.work / "x.jsonl").exists()


def test_nothing_found_says_what_to_try_next(house: House, notes: Path) -> None:
    assert "patina index" in house.ok("scry", "x")
    house.ok("index", notes)
    said = house.ok("scry", "zymurgy", "--repo", "notes")
    assert "Nothing found" in said
    assert "--all-repos" in said


def test_status_tells_what_is_there(library: House) -> None:
    said = library.ok("status")
    for part in (str(library.work / "notes"), "0 %", f"unix:{library.env['PATINA_SOCKET']}", str(library.home)):
        assert part in said


def test_verify_agrees_with_itself(library: House) -> None:
    assert library.ok("verify", "--full").startswith("Everything agrees: 1 collection")


def test_export_writes_one_passage_a_line_and_replaces_in_one_step(library: House, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    library.ok("export", "--output", out.name, cwd=tmp_path)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert {record["path"] for record in records} == {"rotation.md", "bread.md"}
    assert set(records[0]) == FIELDS - {"score", "rrf", "arms"} | SOURCE
    assert library.ok("export", "--output", "-") == out.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_reader_that_goes_away_is_no_error(house: House, notes: Path) -> None:
    (notes / "long.md").write_text("".join(f"## Part {part}\n\n{'rotated logs ' * 150}\n\n" for part in range(200)))
    house.ok("index", notes)
    export = subprocess.Popen(
        house.command("export", "--output", "-"),
        cwd=house.work,
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with export:
        assert export.stdout is not None
        export.stdout.read(1)
        export.stdout.close()
        assert export.stderr is not None
        assert export.stderr.read() == b""
    assert export.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_in_a_sentence(library: House) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            library.command("scry", QUESTION),
            cwd=library.work,
            env=library.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_gets_colour_and_marked_words(library: House) -> None:
    ours, theirs = pty.openpty()
    env = {name: value for name, value in library.env.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        library.command("scry", QUESTION), cwd=library.work, env={**env, "TERM": "xterm"}, stdout=theirs
    ) as scry:
        os.close(theirs)
        said = _everything(ours)
    os.close(ours)
    assert scry.returncode == 0
    assert "\x1b[1;33mrotated\x1b[0m" in said


def _everything(terminal: int) -> str:
    said = b""
    with suppress(OSError):  # a terminal whose other side is gone gives an error where a pipe would end
        while part := os.read(terminal, 65_536):
            said += part
    return said.decode()
