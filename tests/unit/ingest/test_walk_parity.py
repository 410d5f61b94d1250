"""Whatever rules stand in `.gitignore` files, the walk finds what git finds: with git's help and without."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina.ingest.walk import walk

GIT = shutil.which("git")
pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed")

LIMITS = SimpleNamespace(max_file_bytes=2_000_000)
NAMES = ["a", "b", "ab", "a.txt", "b.py", "lib", "!x", "#y", "[z]", "q r", "ä.txt"]
GLOBS = [
    *("a", "b", "lib", "*.txt", "*", "?", "a*", "[ab]", "[!a]", "[^b]*", "[a-b].txt", "[[:alpha:]]", "[]z]", "*.p?"),
    *(
        "a/b",
        "a/*",
        "a/**",
        "**/b",
        "a/**/b",
        "lib/*.txt",
        "**",
        "a**",
        "**a",
        "a/*/b",
        "*/b",
        "***",
        "a**/b",
        "**/a/**",
    ),
    *("\\!x", "\\#y", "\\[z\\]", "[[]z]", "q r", "q\\ r", "ä*", "?.txt", "a.txt  ", "b\\ ", "[z-a]", "a[", "\\"),
]

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
rules = st.tuples(
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "", "", "/", "**/"]),
    st.sampled_from(GLOBS),
    st.sampled_from(["", "", "/"]),
).map("".join)
ignore_files = st.lists(rules, min_size=1, max_size=6).map("\n".join)
folders = st.lists(st.sampled_from(NAMES), max_size=2)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    """Files by path, some of them `.gitignore`; a path that is both file and folder is dropped."""
    tree = dict.fromkeys(draw(st.lists(paths, min_size=1, max_size=25)), "content")
    for folder in draw(st.lists(folders, min_size=1, max_size=4)):
        tree["/".join([*folder, ".gitignore"])] = draw(ignore_files)
    return {path: text for path, text in tree.items() if not any(other.startswith(f"{path}/") for other in tree)}


def plant(root: Path, tree: dict[str, str]) -> None:
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *arguments: str) -> list[str]:
    """git's answer as a list; configured by nobody."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    command = [GIT or "git", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().split("\0")[:-1]


def found(root: Path) -> list[str]:
    return [file.path for file in walk(root, root, LIMITS).files]


@given(trees())
@settings(max_examples=40, deadline=None)
def test_finds_what_git_finds_with_and_without_git(tree: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, tree)
        git(root, "init", "-q")
        expected = sorted(git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"))
        assert found(root) == expected
        shutil.rmtree(root / ".git")
        assert found(root) == expected
