"""Text that somebody wrote, and enough of it: Debian's documentation packages, cut into passages."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "anarchism",
    "debian-reference-en",
    "dict-gcide",
    "git-doc",
    "linux-doc-6.1",
    "manpages",
    "manpages-dev",
    "perl-doc",
    "postgresql-doc-15",
    "python3.11-doc",
    "sqlite3-doc",
    "wordnet-base",
)
TIMEOUT_S = 1_800
PASSAGE_CHARS = 800
MIN_PASSAGE_CHARS = 200
MAX_FILE_BYTES = 100_000_000

_NO_TEXT = re.compile(r"\.(png|gif|jpe?g|svg|ico|css|js|woff2?|eot|ttf|pdf|index|map|json|inv|tag)$")
_HTML = re.compile(r"\.x?html?$")
_MAN = re.compile(r"/man/man\d")
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_BLOCK = re.compile(r"</?(p|div|li|tr|td|dt|dd|h\d|br|pre|table|ul|ol)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{1,2000}>")
_REQUEST = re.compile(r"^[.'][A-Za-z]{1,3}\b ?|^[.']\\\".*$|\\f[BIRP]|\\&", re.MULTILINE)
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r"\s*\n\s*")


def documents(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each file's name within its package with its passages, no passage twice; in an order that mixes the packages."""
    said: set[bytes] = set()
    roots = [_unpacked(package, folder) for package in PACKAGES]
    files = {path.relative_to(folder).as_posix(): path for root in roots for path in _files(root)}
    for name in sorted(files, key=lambda name: hashlib.sha256(name.encode()).digest()):
        found = []
        for passage in cut(_text(files[name])):
            mark = hashlib.blake2b(passage.encode(), digest_size=16).digest()
            if mark not in said:
                said.add(mark)
                found.append(passage)
        if found:
            yield name, found


def cut(text: str) -> list[str]:
    """Passages of at most 800 characters, each ended at a line's end or else between words."""
    passages, start = [], 0
    while start < len(text):
        end = _end(text, start)
        passage = text[start:end].strip()
        if len(passage) >= MIN_PASSAGE_CHARS:
            passages.append(passage)
        start = end
    return passages


def _end(text: str, start: int) -> int:
    latest = start + PASSAGE_CHARS
    if latest >= len(text):
        return len(text)
    for mark in ("\n", " "):
        found = text.rfind(mark, start + PASSAGE_CHARS // 2, latest)
        if found > 0:
            return found + 1
    return latest


def _unpacked(package: str, folder: Path) -> Path:
    """The package's files, fetched the first time. Raises `SystemExit` with what to do."""
    target = folder / package
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run(["apt-get", "download", package], folder)
        [archive] = folder.glob(f"{package}_*.deb")
        _run(["dpkg-deb", "-x", archive.name, f"{package}.new"], folder)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise SystemExit(
            f"The text for this benchmark comes from Debian's package {package}, which could not be had: {error}. "
            "Run it on Debian 12, after `apt-get update`."
        ) from error
    archive.unlink()
    (folder / f"{package}.new").rename(target)
    return target


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT_S)


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and not _NO_TEXT.search(path.name.removesuffix(".gz").lower()):
            yield path


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        with gzip.open(path) as file:
            raw = file.read(MAX_FILE_BYTES)
    if b"\x00" in raw[:1000]:
        return ""
    text = raw.decode("utf-8", "replace")
    if _HTML.search(path.name.removesuffix(".gz")):
        text = html.unescape(_TAG.sub("", _BLOCK.sub("\n", _HIDDEN.sub("", text))))
    elif _MAN.search(path.as_posix()):
        text = _REQUEST.sub("", text)
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()
