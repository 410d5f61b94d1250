"""Rules that leave files out: what git reads from `.gitignore`, matched exactly as git matches.

A path is matched by itself, never through the folder it lies in: whether a folder is left out has been settled before
anybody looks inside. (Libraries that match `foo/a.txt` against the rule for `foo` disagree with git as soon as
``!foo`` brings a folder back and another rule leaves out some files in it.)
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import NamedTuple

from patina.ingest.read import read_small

MAX_RULES_BYTES = 1_000_000
_BYTES = "latin-1"
"""git compares bytes, so that ``?`` is half an umlaut: here, one character for each byte."""
_LAST_BLANKS = re.compile(r"(?<!\\) +$")
_WILDCARD = re.compile(r"[*?\[\\]")
_STAR = "*"
_DEEP = "**/"
_REST = ".*"
_FOLDERS = "(?:[^/]*/)*?"
_LETTERS = "[^/]*?"
_NAMED_CLASS = re.compile(r"\[:(\w+):\]")
_POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


class Rule(NamedTuple):
    """One line of an ignore file."""

    hides: bool
    """False for a line that begins with ``!``."""
    folders_only: bool
    whole_path: bool
    """Matched against the path from the file's own folder; otherwise against the last name alone."""
    pattern: re.Pattern[str]


class _Folder(NamedTuple):
    """What the rules say of a folder and in it."""

    hidden_by: str | None
    speakers: list[tuple[int, list[Rule]]]
    """The rules that apply to what is in it, nearest first, with the length of the path that each leaves out."""


class IgnoreFiles:
    """What all files of one name (`.gitignore`) say together, from the folder `top` downwards.

    The nearest file speaks first, in a file the last line; a folder that is left out takes along all that is in it.
    Paths are relative to `root`, with forward slashes; `top` and its files lie at or under `root`.
    """

    def __init__(self, root: Path, name: str, top: str = "") -> None:
        self._root = root
        self._name = name
        self._top = top
        self._folders: dict[str, _Folder] = {}

    def hidden(self, path: str, *, folder: bool) -> str | None:
        """What hides the file or folder at `path`, somewhere under `top`: itself or a folder above it, if anything."""
        above = self._folder(_parent(path))
        return above.hidden_by or (path if _hides(above, path, folder) else None)

    def _folder(self, path: str) -> _Folder:
        unknown = []
        while path not in self._folders and path != self._top:
            unknown.append(path)
            path = _parent(path)
        if path not in self._folders:
            self._folders[path] = _Folder(None, self._speakers(path, []))
        known = self._folders[path]
        for below in reversed(unknown):
            known = self._folders[below] = self._below(known, below)
        return known

    def _below(self, above: _Folder, path: str) -> _Folder:
        hidden_by = above.hidden_by or (path if _hides(above, path, folder=True) else None)
        return _Folder(hidden_by, [] if hidden_by else self._speakers(path, above.speakers))

    def _speakers(self, folder: str, above: list[tuple[int, list[Rule]]]) -> list[tuple[int, list[Rule]]]:
        inside = f"{folder}/" if folder else ""
        rules = parse(read_small(self._root, inside + self._name, MAX_RULES_BYTES))
        return [(len(_as_bytes(inside)), rules), *above] if rules else above


def parse(content: bytes) -> list[Rule]:
    """The rules of one ignore file; lines that cannot match anything are dropped."""
    text = content.removeprefix(codecs.BOM_UTF8).decode(_BYTES)
    rules = (_rule(line.removesuffix("\r")) for line in text.split("\n"))
    return [rule for rule in rules if rule]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _hides(above: _Folder, path: str, folder: bool) -> bool:
    """What the first rule says that matches; a path that none matches is not hidden."""
    whole = _as_bytes(path)
    for left_out, rules in above.speakers:
        inside = whole[left_out:]
        for rule in reversed(rules):
            if _matches(rule, inside, folder):
                return rule.hides
    return False


def _as_bytes(path: str) -> str:
    return path if path.isascii() else os.fsencode(path).decode(_BYTES)


def _matches(rule: Rule, path: str, folder: bool) -> bool:
    if rule.folders_only and not folder:
        return False
    return rule.pattern.fullmatch(path if rule.whole_path else path.rpartition("/")[2]) is not None


def _rule(line: str) -> Rule | None:
    if line.startswith("#"):
        return None
    line = _LAST_BLANKS.sub("", line)
    hides = not line.startswith("!")
    line = line if hides else line[1:]
    folders_only = line.endswith("/")
    line = line[:-1] if folders_only else line
    if not line:
        return None
    try:
        pattern = re.compile(_translated(line.removeprefix("/")), re.DOTALL)
    except re.error:  # a class such as [z-a]: git matches nothing with it either
        return None
    return Rule(hides, folders_only, "/" in line, pattern)


def _translated(glob: str) -> str:
    """A git pattern as a regular expression that takes no more than quadratic time, whatever the pattern.

    What stands between two wildcards matches at the first place where it can or not at all, so nothing needs to be
    tried again: hence the atomic groups. Only what follows the last wildcard has to look for its place.
    """
    first, *rest = (_stretch(tokens) for tokens in _split(_tokens(glob), _DEEP))
    return _with_gaps(first, rest, _FOLDERS)


def _stretch(tokens: list[str]) -> str:
    """What stands between two ``**/``: names, each with its own stars."""
    return "/".join(_name(name) for name in _split(tokens, "/"))


def _name(tokens: list[str]) -> str:
    first, *rest = ("".join(part) for part in _split(tokens, _STAR))
    return _with_gaps(first, rest, _LETTERS)


def _with_gaps(first: str, rest: list[str], gap: str) -> str:
    if not rest:
        return first
    return first + "".join(f"(?>{gap}{part})" for part in rest[:-1]) + gap + rest[-1]


def _split(tokens: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _tokens(glob: str) -> list[str]:
    """Expressions for one character each, slashes, and the wildcards `_STAR`, `_DEEP` and `_REST`."""
    tokens: list[str] = []
    at = 0
    while at < len(glob):
        token, at = _token(glob, at)
        tokens.append(token)
    return tokens


def _token(glob: str, at: int) -> tuple[str, int]:
    """What stands at `at`, and where the next token begins."""
    match glob[at]:
        case "*":
            return _stars(glob, at)
        case "?":
            return "[^/]", at + 1
        case "[":
            return _bracket(glob, at)
        case "\\" if at + 1 < len(glob):
            return re.escape(glob[at + 1]), at + 2
        case "\\":
            raise re.error("a backslash with nothing after it")
        case letter:
            return re.escape(letter), at + 1


def _stars(glob: str, at: int) -> tuple[str, int]:
    """One star stays within a name. Two cross slashes, where they are all that stands between two of them."""
    end = at
    while end < len(glob) and glob[end] == "*":
        end += 1
    # git compares what precedes the first wildcard by itself: behind it, stars stand at a beginning as well.
    at_beginning = glob[at - 1 : at] == "/" or _WILDCARD.search(glob, 0, at) is None
    if end - at == 1 or not at_beginning:
        return _STAR, end
    if glob[end : end + 1] == "/":
        return _DEEP, end + 1
    return (_REST if end == len(glob) else _STAR), end


def _bracket(glob: str, at: int) -> tuple[str, int]:
    """A class such as ``[!a-c[:digit:]]``; never matches a slash."""
    at += 1
    negated = glob[at : at + 1] in {"!", "^"}
    at += negated
    inside: list[str] = []
    first = at
    while glob[at : at + 1] != "]" or at == first:
        piece, at = _member(glob, at)
        inside.append(piece)
    return f"(?!/)[{'^' if negated else ''}{''.join(inside)}]", at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    named = _NAMED_CLASS.match(glob, at)
    if named:
        if named.group(1) not in _POSIX_CLASSES:
            raise re.error("an unknown class")
        return _POSIX_CLASSES[named.group(1)], named.end()
    if glob[at : at + 1] == "\\":
        at += 1
    if at >= len(glob):
        raise re.error("a class that is not closed")
    letter = glob[at]
    return ("-" if letter == "-" else re.escape(letter)), at + 1
