"""Asking git which files of a folder are worth reading."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

GIT_TIMEOUT_S = 30.0
_UNREADABLE = re.compile(r"^warning: could not open directory '(.*?)/?': (.*)$", re.MULTILINE)

log = logging.getLogger(__name__)


class Listing(NamedTuple):
    """What git says of a folder; paths are relative to it."""

    paths: list[str]
    """Files and links, tracked or not, that no rule leaves out; one that ends in a slash is a nested work tree."""
    unreadable: list[tuple[str, str]]
    """Folders that could not be opened, each with the reason."""


def ignores(folder: Path, path: str) -> bool | None:
    """Whether the repository around `folder` ignores `path` in it; None if git is missing, knows no such or fails."""
    code = _run(folder, "check-ignore", "--quiet", "--", f"./{path}").returncode  # ":(" at the front would be magic
    return {0: True, 1: False}.get(code)


def listing(folder: Path) -> Listing | None:
    """The files under `folder`, or None if git is missing, does not know the folder, ignores it, or fails."""
    if ignores(folder, ".") is not False:
        return None
    done = _run(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    if done.returncode:
        return None
    paths = os.fsdecode(done.stdout).split("\0")[:-1]
    warned = _UNREADABLE.findall(os.fsdecode(done.stderr))
    return Listing([path for path in paths if path != "./"], warned)  # a submodule that is not checked out lists itself


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One command of git's; where git is missing or does not answer, it has failed."""
    git = shutil.which("git")
    # A repository's own configuration may name a program as its file system monitor: never run that.
    command = [git or "git", "-c", "core.fsmonitor=false", *arguments]
    failed = subprocess.CompletedProcess(command, returncode=-1, stdout=b"", stderr=b"")
    if git is None:
        return failed
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("git %s did not answer in %s: %s", arguments[0], folder, error)
        return failed


def _environment() -> dict[str, str]:
    """Ours without what would point git at another repository (we may run inside a hook), and in one language."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
