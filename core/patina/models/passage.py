"""What of a chunk a text model is given to read.

A model that was trained on prose makes little of brackets and operators. Of code it gets what the code says in words:
comments, docstrings and the names of what is defined, taken apart; where there is little of that, all names. The
chunk that is stored, searched by words and shown stays as it is. It is also less to compute.
"""

from __future__ import annotations

import re
from types import MappingProxyType

VERSION = 1
"""Part of each collection's identity: raise it with every change here, for it changes the vectors."""

ENOUGH_CHARACTERS = 120
"""Below this the comments say too little, and the other names are read as well."""
MOST_NAME_CHARACTERS = 1200

_LINE_COMMENTS = MappingProxyType(
    dict.fromkeys(("elixir", "perl", "python", "r", "ruby", "shell"), "#")
    | dict.fromkeys(
        ("c", "cpp", "csharp", "dart", "go", "java", "javascript", "kotlin", "php", "rust", "scala", "swift"), "//"
    )
    | {"typescript": "//"}
)
_BLOCKS = MappingProxyType({'"""': '"""', "'''": "'''", "/*": "*/"})
_BLOCK_START = re.compile(r'"""|\'\'\'|/\*')
_DEFINITION = re.compile(
    r"^\s*(?:(?:export|public|private|protected|static|final|abstract|async|pub|default)\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|interface|trait|type|module|object)\s+(\w+)"
)
_JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
_NOT_WORDS = re.compile(r"[^\w.,;:?'-]+")


def passage(text: str, language: str) -> str:
    """The text to embed for a chunk: the chunk itself unless it is code. Depends on nothing else."""
    comment = _LINE_COMMENTS.get(language)
    if comment is None:
        return text
    said = _said(text, comment)
    return said if len(said) >= ENOUGH_CHARACTERS else f"{said} {_names(text)}".strip()


def _said(text: str, comment: str) -> str:
    """Comments, docstrings and the names of definitions, in their order, on one line."""
    said: list[str] = []
    closing = ""  # what ends the block that the line is in
    for line in text.splitlines():
        if not closing and (defined := _DEFINITION.match(line)):
            said.append(f"{_apart(defined.group(1))}.")
        words, closing = _words_of(line, comment, closing)
        said.append(words)
    return " ".join(" ".join(said).split())


def _words_of(line: str, comment: str, closing: str) -> tuple[str, str]:
    """The part of a line that is comment or docstring, and what ends the block that is still open after it."""
    if closing:
        inside, found, _ = line.partition(closing)
        return inside.strip().removeprefix("* "), "" if found else closing
    opening = _BLOCK_START.search(line)
    if opening and comment not in line[: opening.start()]:
        end = _BLOCKS[opening.group()]
        inside, found, _ = line[opening.end() :].partition(end)
        return inside, "" if found else end
    _, found, rest = line.partition(comment)
    return rest if found else "", ""


def _names(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", _apart(text)).split())[:MOST_NAME_CHARACTERS]


def _apart(name: str) -> str:
    return _JOINT.sub(" ", name)
