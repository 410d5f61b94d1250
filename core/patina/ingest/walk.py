"""Finding the files under a folder that are worth reading.

In a git work tree git says which files there are. Elsewhere, or where the enclosing repository ignores the very folder
that was asked for (a Python under a version manager's checkout), the folders are listed here and their `.gitignore`
files obeyed. `.patinaignore`, in the same syntax at any depth, is obeyed in both. Links are never followed.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path
from typing import Protocol

import msgspec

from patina.errors import Failed, NotFound, TooLarge
from patina.ingest import _git
from patina.ingest.ignore import IgnoreFiles
from patina.ingest.names import NEVER, is_generated, is_secret
from patina.ingest.read import Found, Reason, Skipped, read
from patina.wire import InputFailure

__all__ = ["MAX_FILES", "Found", "Limits", "Skipped", "Walk", "read", "speaks_for", "walk"]

MAX_FILES = 1_000_000


class Limits(Protocol):
    """The part of the ingest settings that a walk needs."""

    @property
    def max_file_bytes(self) -> int: ...


class Walk(msgspec.Struct, kw_only=True):
    """What was found, in the order of the paths."""

    files: list[Found] = []
    skipped: Counter[str] = msgspec.field(default_factory=Counter)
    """How many inputs were passed over, by reason (`patina.ingest.read.Reason`).

    Of "ignored", a folder counts once, and what git did not list at all does not count.
    """
    failed: list[InputFailure] = []
    """Files and folders that could not be looked at: nothing is known of what is in them."""


def walk(root: Path, start: Path, limits: Limits) -> Walk:
    """Every file at or under `start`, which is `root` or lies in it; both are absolute.

    Contents are not looked at: `read` passes over what turns out to be binary, a private key or generated. Raises
    `NotFound` if there is no `start`, `Failed` if `root` cannot be listed, `TooLarge` beyond `MAX_FILES`.
    """
    if not os.path.lexists(start):
        raise NotFound(f"There is no file or folder {start}.", hint="Check the spelling.", param="paths")
    top = start.relative_to(root).as_posix()
    return _Walker(root, "" if top == "." else top, limits).run()


def speaks_for(project: Path, path: Path) -> bool:
    """Whether a file or folder in a project's folder is part of the project: not if the project's rules ignore it."""
    inside = path.relative_to(project).as_posix()
    if inside == ".":
        return True
    ignored = _git.ignores(project, inside)
    if ignored is None:
        return IgnoreFiles(project, ".gitignore").hidden(inside, folder=path.is_dir()) is None
    return not ignored


class _Walker:
    """One walk under way."""

    def __init__(self, root: Path, top: str, limits: Limits) -> None:
        self._root = root
        self._top = top
        self._limits = limits
        self._own_rules = IgnoreFiles(root, ".patinaignore")
        self._git_rules = IgnoreFiles(root, ".gitignore")
        if top and self._git_rules.hidden(top, folder=True):
            # Asked for by name, although the rules above leave it out: they do not speak for it.
            self._git_rules = IgnoreFiles(root, ".gitignore", top)
        self._folders: list[str] = []
        self._files: dict[str, Found] = {}
        self._ignored: set[str] = set()
        self._skipped: dict[str, Reason] = {}
        self._failed: dict[str, str] = {}

    def run(self) -> Walk:
        self._begin()
        while self._folders:
            self._open(self._folders.pop())
        skipped: Counter[str] = Counter(self._skipped.values())
        if self._ignored:
            skipped["ignored"] = len(self._ignored)
        failed = [InputFailure(path=path, reason=reason) for path, reason in sorted(self._failed.items())]
        return Walk(files=[self._files[path] for path in sorted(self._files)], skipped=skipped, failed=failed)

    def _begin(self) -> None:
        """Take up the start, unless a link lies on the way to it."""
        if not self._top:
            self._folders.append("")
            return
        names = self._top.split("/")
        ways = ("/".join(names[: count + 1]) for count in range(len(names)))
        link = next((way for way in ways if _is_link(self._root / way)), None)
        self._offer(link or self._top, (self._own_rules,))

    def _open(self, folder: str) -> None:
        if folder == self._top or os.path.lexists(self._root / folder / ".git"):
            listing = _git.listing(self._root / folder)
            if listing is not None:
                self._take_listing(folder, listing)
                return
        self._scan(folder)

    def _take_listing(self, folder: str, listing: _git.Listing) -> None:
        for path in listing.paths:
            self._offer(_joined(folder, path.rstrip("/")), (self._own_rules,))
        for path, reason in listing.unreadable:
            self._failed[_joined(folder, path)] = f"{reason}."

    def _scan(self, folder: str) -> None:
        try:
            names = os.listdir(self._root / folder)  # noqa: PTH208 - names, a hundred thousand of them
        except FileNotFoundError:
            return
        except OSError as error:
            self._cannot_list(folder, error)
            return
        for name in names:
            self._offer(_joined(folder, name), (self._own_rules, self._git_rules))

    def _cannot_list(self, folder: str, error: OSError) -> None:
        if not folder:
            raise Failed(f"{self._root} cannot be read: {_sentence(error)}", hint="Check its permissions.") from error
        self._failed[folder] = _sentence(error)

    def _offer(self, path: str, rules: tuple[IgnoreFiles, ...]) -> None:
        """Take a file, note a folder for later, or say why not."""
        unreadable_name = _undecodable_part(path)
        if unreadable_name:
            self._failed[unreadable_name] = "The name is not valid UTF-8."
            return
        if not NEVER.isdisjoint(path.split("/")):
            return
        try:
            status = os.lstat(f"{self._root}/{path}")
        except FileNotFoundError:  # deleted since it was listed, or deleted but still in git's index
            return
        except OSError as error:
            self._failed[path] = _sentence(error)
            return
        self._sort(path, status, rules)

    def _sort(self, path: str, status: os.stat_result, rules: tuple[IgnoreFiles, ...]) -> None:
        folder = stat.S_ISDIR(status.st_mode)
        hidden = next(filter(None, (files.hidden(path, folder=folder) for files in rules)), None)
        if hidden:
            self._ignored.add(hidden)
        elif folder:
            self._folders.append(path)
        elif reason := _unwanted(path, status, self._limits):
            self._skipped[path] = reason
        else:
            self._keep(path, status)

    def _keep(self, path: str, status: os.stat_result) -> None:
        if len(self._files) >= MAX_FILES:
            message = f"{self._root / self._top} holds more than {MAX_FILES:,} files."
            raise TooLarge(message, hint="Index its parts, or leave some out with a .patinaignore.", param="paths")
        self._files[path] = Found(
            root=self._root,
            path=path,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            max_bytes=self._limits.max_file_bytes,
        )


def _unwanted(path: str, status: os.stat_result, limits: Limits) -> Reason | None:
    """Why a file is passed over, as far as its name and status tell."""
    name = path.rpartition("/")[2]
    if stat.S_ISLNK(status.st_mode):
        return "link"
    if not stat.S_ISREG(status.st_mode):
        return "special"
    if is_secret(name):
        return "secret"
    if status.st_size == 0:
        return "empty"
    if status.st_size > limits.max_file_bytes:
        return "too_large"
    return "generated" if is_generated(name) else None


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 - pathlib raises where a folder may not be entered


def _sentence(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__}."


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _undecodable_part(path: str) -> str:
    """The path up to its first name that is not valid UTF-8, printable; empty if there is none."""
    if path.isascii():
        return ""
    parts = path.split("/")
    for count, part in enumerate(parts, start=1):
        raw = os.fsencode(part)
        if raw.decode(errors="replace").encode() != raw:
            return os.fsencode("/".join(parts[:count])).decode(errors="backslashreplace")
    return ""
