"""Opening files of a tree that somebody else may be changing: no link is followed, nothing blocks.

The walk has looked at each file before, but between the look and the opening a file can become a link to `/etc/shadow`
or a pipe. So every folder on the way is opened without following links, and the file is asked again what it is.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Literal

import msgspec

from patina.ingest.language import is_prose, language_of
from patina.ingest.names import begins_secret

HEAD_BYTES = 8192
"""How much of a file decides whether it is binary."""
MAX_CODE_LINE_BYTES = 5000
"""A longer line in code or data was written by a program; prose may keep a paragraph on one line."""
MAX_CONTROL_SHARE = 0.05
"""Compressed data without a single NUL at the beginning still has far more control characters than this."""

_CONTROLS = bytes(set(range(32)) - set(b"\b\t\n\v\f\r\x1b"))
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF32_LITTLE_MARK = b"\xff\xfe\x00\x00"

Reason = Literal["ignored", "binary", "too_large", "secret", "link", "special", "empty", "generated", "gone"]
"""Why an input is passed over on purpose. "special": a pipe, socket or device; "gone": deleted since it was listed."""


class Skipped(msgspec.Struct, frozen=True):
    """A file that is passed over, instead of its bytes."""

    reason: Reason


# What opening says of a file that has turned into something else since it was listed.
_PASSED_OVER: dict[int, Reason] = {
    errno.ELOOP: "link",
    errno.ENOTDIR: "link",
    errno.ENOENT: "gone",
    errno.ENXIO: "special",
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A regular file as the walk saw it."""

    root: Path
    path: str
    """Relative to `root`, with forward slashes."""
    size: int
    modified_ns: int
    max_bytes: int
    """`read` passes over more than this."""

    @property
    def absolute(self) -> Path:
        return self.root / self.path


def read(found: Found) -> bytes | Skipped:
    """The file's bytes, or why it is passed over. Raises OSError if it cannot be read."""
    try:
        content = _regular_bytes(found.root, found.path, found.max_bytes)
    except OSError as error:
        reason = _PASSED_OVER.get(error.errno or 0)
        if reason is None:
            raise
        return Skipped(reason)
    reason = _unwanted(content, found.path) if isinstance(content, bytes) else content.reason
    return Skipped(reason) if reason else content


def read_small(root: Path, path: str, limit: int) -> bytes:
    """The bytes of a file that may as well not exist: empty if it is missing, larger than `limit` or not regular."""
    try:
        content = _regular_bytes(root, path, limit)
    except OSError:
        return b""
    return b"" if isinstance(content, Skipped) else content


def _regular_bytes(root: Path, path: str, limit: int) -> bytes | Skipped:
    """All of a file that is regular, text and not over `limit`; of a binary one no more than the head is read."""
    descriptor = _open_beneath(root, path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Skipped("special")
        with open(descriptor, "rb", closefd=False) as source:
            head = source.read(min(HEAD_BYTES, limit + 1))
            if _is_binary(head):
                return Skipped("binary")
            content = head + source.read(limit + 1 - len(head))
    finally:
        os.close(descriptor)
    if not content:
        return Skipped("empty")
    return Skipped("too_large") if len(content) > limit else content


def _open_beneath(root: Path, path: str) -> int:
    """A descriptor of the file, reached from `root` one name at a time; a link anywhere below raises OSError."""
    *folders, name = path.split("/")
    if ".." in folders or name == "..":
        raise OSError(errno.ELOOP, "The path leads out of the folder")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        # Without O_NONBLOCK, opening a pipe waits for somebody to write into it.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)


def _unwanted(content: bytes, path: str) -> Reason | None:
    """Why a text is passed over after all."""
    head = content[:HEAD_BYTES]
    if begins_secret(head):
        return "secret"
    if is_prose(language_of(path, head)):
        return None
    longest = max(map(len, content.split(b"\n")))
    return "generated" if longest > MAX_CODE_LINE_BYTES else None


def _is_binary(head: bytes) -> bool:
    if head.startswith(_UTF16_MARKS) and not head.startswith(_UTF32_LITTLE_MARK):
        return False
    controls = len(head) - len(head.translate(None, delete=_CONTROLS))
    return b"\0" in head or head.startswith(b"%PDF-") or controls > MAX_CONTROL_SHARE * len(head)
