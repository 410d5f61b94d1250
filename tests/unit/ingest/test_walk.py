"""What a walk finds, what it passes over and why."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from patina.errors import Failed, NotFound, TooLarge
from patina.ingest import _git
from patina.ingest import walk as walking
from patina.ingest.walk import Skipped, Walk, read, speaks_for, walk

LIMITS = SimpleNamespace(max_file_bytes=1000)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def _nobodys_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own git settings (a global ignore file) have no say here."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def without_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("no-programs")))


def plant(root: Path, **files: str) -> None:
    """Files by path; a name that cannot be a keyword is given as `**{"a/b": "…"}`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, timeout=60)


def paths(found: Walk) -> list[str]:
    return [file.path for file in found.files]


def found_in(root: Path, start: str = "") -> Walk:
    return walk(root, root / start, LIMITS)


# -- what is found ----------------------------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_paths_with_size_and_time(tmp_path: Path) -> None:
    plant(tmp_path, **{"b.txt": "two", "a/z.txt": "one", "a.txt": "three"})
    found = found_in(tmp_path)
    assert paths(found) == ["a.txt", "a/z.txt", "b.txt"]
    status = (tmp_path / "b.txt").stat()
    assert (found.files[2].size, found.files[2].modified_ns) == (3, status.st_mtime_ns)
    assert found.files[2].absolute == tmp_path / "b.txt"


@pytest.mark.parametrize("start", ["a", "a/b.txt"])
def test_only_what_was_asked_for_is_found_and_named_from_the_root(tmp_path: Path, start: str) -> None:
    plant(tmp_path, **{"a/b.txt": "text", "c.txt": "text"})
    assert paths(found_in(tmp_path, start)) == ["a/b.txt"]


def test_a_missing_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        found_in(tmp_path, "nowhere")


def test_more_files_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_FILES", 2)
    plant(tmp_path, a="text", b="text", c="text")
    with pytest.raises(TooLarge, match="more than 2 files"):
        found_in(tmp_path)


def test_the_bookkeeping_of_git_and_patina_is_never_found(tmp_path: Path) -> None:
    plant(tmp_path, **{".git/config": "x", "a/.git": "gitdir: x", "a/.patina/config.toml": "x", "a/b": "text"})
    found = found_in(tmp_path)
    assert paths(found) == ["a/b"]
    assert not found.skipped


# -- what is passed over ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", "prod.env", "server.pem", "TLS.KEY", "id_rsa", "id_ed25519.pub", "vault.age"),
        *(".netrc", ".pypirc", ".npmrc", "credentials", "credentials.json", "secrets.toml"),
    ],
)
def test_secrets_are_passed_over_by_name(tmp_path: Path, name: str) -> None:
    plant(tmp_path, **{f"deep/{name}": "password"})
    found = found_in(tmp_path)
    assert paths(found) == []
    assert found.skipped == {"secret": 1}


@pytest.mark.parametrize("name", [".env.example", "secrets.py", "environment.md", "keys.py", "identity.py"])
def test_what_only_sounds_secret_is_found(tmp_path: Path, name: str) -> None:
    plant(tmp_path, **{name: "text"})
    assert paths(found_in(tmp_path)) == [name]


def test_empty_large_and_lock_files_are_counted(tmp_path: Path) -> None:
    plant(tmp_path, **{"empty": "", "large": "x" * 1001, "just": "x" * 1000, "uv.lock": "x", "a.min.js": "x"})
    found = found_in(tmp_path)
    assert paths(found) == ["just"]
    assert found.skipped == {"empty": 1, "too_large": 1, "generated": 2}


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    plant(outside, secret="text")
    plant(root, **{"a/file": "text"})
    (root / "away").symlink_to(outside)
    (root / "away_file").symlink_to(outside / "secret")
    (root / "a/loop").symlink_to(root)
    (root / "a/same").symlink_to(root / "a/file")
    (root / "a/nowhere").symlink_to("nowhere")
    found = found_in(root)
    assert paths(found) == ["a/file"]
    assert found.skipped == {"link": 5}


@pytest.mark.parametrize("start", ["away", "away/file"])
def test_a_start_behind_a_link_is_not_followed_either(tmp_path: Path, start: str) -> None:
    plant(tmp_path, **{"outside/file": "text", "root/a": "text"})
    (tmp_path / "root/away").symlink_to(tmp_path / "outside")
    found = found_in(tmp_path / "root", start)
    assert paths(found) == []
    assert found.skipped == {"link": 1}


@pytest.mark.parametrize("start", ["", "pipe"])
def test_pipes_and_sockets_do_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # a socket's path has room for a hundred characters
        listener.bind("socket")
        found = found_in(tmp_path, start)
    assert paths(found) == []
    assert found.skipped == {"special": 1 if start else 2}


def test_a_name_that_is_not_utf8_fails_in_a_printable_way(tmp_path: Path) -> None:
    bad = os.fsdecode(b"caf\xe9")
    plant(tmp_path, **{f"{bad}/inner": "text", f"{bad}.txt": "text", "café": "text"})
    found = found_in(tmp_path)
    assert paths(found) == ["café"]
    assert [failure.path for failure in found.failed] == ["caf\\xe9", "caf\\xe9.txt"]


@pytest.mark.ordinary
@pytest.mark.parametrize("repository", [False, pytest.param(True, marks=needs_git)])
def test_a_folder_that_may_not_be_opened_fails(tmp_path: Path, repository: bool) -> None:
    plant(tmp_path, **{"shut/file": "text", "open": "text"})
    if repository:
        git(tmp_path, "init")
    (tmp_path / "shut").chmod(0)
    try:
        found = found_in(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o700)
    assert paths(found) == ["open"]
    assert [(failure.path, failure.reason) for failure in found.failed] == [("shut", "Permission denied.")]


@pytest.mark.ordinary
def test_a_root_that_may_not_be_opened_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Otherwise everything in it would seem to have been deleted."""
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut").chmod(0)
    with pytest.raises(Failed, match="Permission denied"):
        found_in(tmp_path / "shut")


# -- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repository", [False, pytest.param(True, marks=needs_git)])
def test_patinaignore_speaks_at_any_depth_beside_gitignore(tmp_path: Path, repository: bool) -> None:
    plant(
        tmp_path,
        **{".patinaignore": "*.log\n/drafts/\n", "a/.patinaignore": "!keep.log\nsecret.md\n", ".gitignore": "build\n"},
        **{"x.log": "text", "a/keep.log": "text", "a/secret.md": "text", "a/b/secret.md": "text", "secret.md": "text"},
        **{"drafts/one": "text", "drafts/two": "text", "a/drafts/three": "text", "build/x": "text"},
    )
    if repository:
        git(tmp_path, "init")
    found = found_in(tmp_path)
    assert [path for path in paths(found) if "ignore" not in path] == ["a/drafts/three", "a/keep.log", "secret.md"]
    assert found.skipped == {"ignored": 4 if repository else 5}, "drafts counts once; git does not list build at all"


def test_patinaignore_cannot_bring_back_what_git_ignores(tmp_path: Path) -> None:
    plant(tmp_path, **{".gitignore": "a\n", ".patinaignore": "!a\n", "a": "text"})
    assert "a" not in paths(found_in(tmp_path))


def test_rules_between_the_root_and_the_start_apply(tmp_path: Path) -> None:
    plant(
        tmp_path, **{".gitignore": "*.o\n", "a/.gitignore": "*.tmp\n", "a/b/x.o": "t", "a/b/x.tmp": "t", "a/b/x": "t"}
    )
    assert paths(found_in(tmp_path, "a/b")) == ["a/b/x"]


@pytest.mark.parametrize("repository", [False, pytest.param(True, marks=needs_git)])
def test_rules_that_ignore_the_start_do_not_speak_for_it(tmp_path: Path, repository: bool) -> None:
    plant(
        tmp_path,
        **{".gitignore": "/versions\n*.txt\n", "versions/lib/a.py": "text", "versions/lib/a.txt": "text"},
        **{"versions/lib/.gitignore": "*.pyc\n", "versions/lib/a.pyc": "text"},
    )
    if repository:
        git(tmp_path, "init")
    expected = ["versions/lib/.gitignore", "versions/lib/a.py", "versions/lib/a.txt"]
    assert paths(found_in(tmp_path, "versions/lib")) == expected
    lib = tmp_path / "versions/lib"
    assert paths(walk(lib, lib, LIMITS)) == [".gitignore", "a.py", "a.txt"]
    assert not speaks_for(tmp_path, lib)
    assert speaks_for(tmp_path, tmp_path)


@pytest.mark.usefixtures("without_git")
def test_rules_are_read_from_regular_files_only(tmp_path: Path) -> None:
    plant(tmp_path, **{"outside": "*\n", "root/a/x": "text", "root/b/y": "text", "root/c/.gitignore/z": "text"})
    root = tmp_path / "root"
    os.mkfifo(root / "a/.gitignore")
    (root / "b/.gitignore").symlink_to(tmp_path / "outside")
    assert paths(found_in(root)) == ["a/x", "b/y", "c/.gitignore/z"]


# -- git --------------------------------------------------------------------------------------------------------------


@needs_git
def test_git_knows_what_is_tracked_and_what_was_deleted(tmp_path: Path) -> None:
    plant(tmp_path, **{".gitignore": "*.log\n", "kept.log": "text", "gone": "text", "new": "text", "other.log": "text"})
    git(tmp_path, "init")
    git(tmp_path, "add", "-f", "kept.log", "gone")
    (tmp_path / "gone").unlink()
    found = found_in(tmp_path)
    assert paths(found) == [".gitignore", "kept.log", "new"]
    assert not found.failed


@needs_git
def test_nested_work_trees_and_submodules_are_entered(tmp_path: Path) -> None:
    for name in ("nested", "module", "bare_folder/nested"):
        plant(tmp_path, **{f"{name}/.gitignore": "*.log\n", f"{name}/a.log": "text", f"{name}/a.txt": "text"})
        git(tmp_path / name, "init")
        git(tmp_path / name, "add", "-A")
        git(tmp_path / name, "commit", "-m", "first")
    git(tmp_path, "init")
    git(tmp_path, "-c", "advice.addEmbeddedRepo=false", "add", "module")
    expected = [
        f"{name}/{file}" for name in ("bare_folder/nested", "module", "nested") for file in (".gitignore", "a.txt")
    ]
    assert paths(found_in(tmp_path)) == expected
    shutil.rmtree(tmp_path / ".git")
    assert paths(found_in(tmp_path)) == expected


@needs_git
def test_a_submodule_that_is_not_checked_out_is_empty(tmp_path: Path) -> None:
    plant(tmp_path, **{"module/a": "text", "b": "text"})
    git(tmp_path / "module", "init")
    git(tmp_path / "module", "add", "-A")
    git(tmp_path / "module", "commit", "-m", "first")
    git(tmp_path, "init")
    git(tmp_path, "-c", "advice.addEmbeddedRepo=false", "add", "module")
    shutil.rmtree(tmp_path / "module")
    (tmp_path / "module").mkdir()
    assert paths(found_in(tmp_path)) == ["b"]
    assert paths(found_in(tmp_path, "module")) == []


@needs_git
def test_a_repository_cannot_run_a_program_of_its_choice(tmp_path: Path) -> None:
    plant(tmp_path, a="text", monitor=f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    (tmp_path / "monitor").chmod(0o700)
    git(tmp_path, "init")
    git(tmp_path, "add", "a")
    git(tmp_path, "config", "core.fsmonitor", str(tmp_path / "monitor"))
    assert paths(found_in(tmp_path)) == ["a", "monitor"]
    assert not (tmp_path / "was_run").exists()


@needs_git
def test_git_variables_of_a_surrounding_hook_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, **{"one/a": "text", "one/.gitignore": "b\n", "one/b": "text", "two/c": "text"})
    git(tmp_path / "one", "init")
    git(tmp_path / "two", "init")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "two/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "two"))
    assert paths(found_in(tmp_path / "one")) == [".gitignore", "a"]


@needs_git
def test_a_start_with_magic_characters_is_taken_as_it_stands(tmp_path: Path) -> None:
    plant(tmp_path, **{":(exclude)a/[x]*/f": "text", "a/x/g": "text"})
    git(tmp_path, "init")
    assert paths(found_in(tmp_path, ":(exclude)a/[x]*")) == [":(exclude)a/[x]*/f"]


@needs_git
def test_a_git_that_does_not_answer_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, **{".gitignore": "*.log\n", "a.log": "text", "d/a": "text"})
    git(tmp_path, "init")
    os.mkfifo(tmp_path / "d/.gitignore")  # git waits for somebody to write into it
    monkeypatch.setattr(_git, "GIT_TIMEOUT_S", 0.3)
    found = found_in(tmp_path)
    assert paths(found) == [".gitignore", "d/a"]
    assert found.skipped == {"ignored": 1, "special": 1}


@pytest.mark.usefixtures("without_git")
def test_without_git_the_rules_are_read_here(tmp_path: Path) -> None:
    plant(tmp_path, **{".git/HEAD": "ref: x", ".gitignore": "*.log\n", "a.log": "text", "a": "text"})
    assert paths(found_in(tmp_path)) == [".gitignore", "a"]
    assert speaks_for(tmp_path, tmp_path / "a")
    assert not speaks_for(tmp_path, tmp_path / "a.log")


# -- reading what was found -------------------------------------------------------------------------------------------


def only_file(root: Path, content: bytes, name: str = "file") -> walking.Found:
    (root / name).write_bytes(content)
    [file] = found_in(root).files
    return file


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"text\0text", "binary"),
        (b"%PDF-1.7 text", "binary"),
        (bytes(range(1, 256)), "binary"),
        ("text".encode("utf-32"), "binary"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "secret"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n123", "secret"),
    ],
)
def test_contents_are_passed_over_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    assert read(only_file(tmp_path, content)) == Skipped(reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content", [b"text\n", "ünïcödé".encode(), "日本語".encode("utf-16"), b"caf\xe9", b"\x1b[31mred\x1b[0m\f\n"]
)
def test_text_in_any_encoding_is_read_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    assert read(only_file(tmp_path, content)) == content


def test_a_very_long_line_is_generated_code_but_may_be_prose(tmp_path: Path) -> None:
    line = b"word " * 1200
    for name, expected in {"a.js": Skipped("generated"), "a.txt": line, "a.md": line}.items():
        (tmp_path / name).write_bytes(line)
        [file] = walk(tmp_path, tmp_path / name, SimpleNamespace(max_file_bytes=10_000)).files
        assert read(file) == expected


def test_a_file_that_changed_since_it_was_found_is_looked_at_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    plant(root, **{"a/file": "text"})
    plant(tmp_path, secret="secret")
    [file] = found_in(root).files
    (root / "a/file").write_bytes(b"x" * 2000)
    assert read(file) == Skipped("too_large")
    (root / "a/file").write_bytes(b"")
    assert read(file) == Skipped("empty")
    (root / "a/file").unlink()
    assert read(file) == Skipped("gone")
    (root / "a/file").symlink_to(tmp_path / "secret")
    assert read(file) == Skipped("link")
    (root / "a/file").unlink()
    os.mkfifo(root / "a/file")
    assert read(file) == Skipped("special")
    (root / "a/file").unlink()
    (root / "a/file").mkdir()
    assert read(file) == Skipped("special")


def test_a_folder_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    plant(tmp_path, **{"root/a/file": "text", "outside/file": "secret"})
    [file] = found_in(tmp_path / "root").files
    shutil.rmtree(tmp_path / "root/a")
    (tmp_path / "root/a").symlink_to(tmp_path / "outside")
    assert read(file) == Skipped("link")


@pytest.mark.ordinary
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    file = only_file(tmp_path, b"text")
    file.absolute.chmod(0)
    with pytest.raises(PermissionError):
        read(file)
