"""From a file's bytes to its text, its language and its title."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

import msgspec

from patina.ingest.language import language_of
from patina.ingest.markdown import Outline

MAX_TITLE_CHARS = 200
_HEAD_CHARS = 20_000
"""How far into a text a title is looked for."""

_DOCSTRING = re.compile(
    r"""\ufeff?(?:[ \t\f]*+(?:\#[^\r\n]*+)?(?>\r\n|\n|\r))*+   # blank lines and comments
        [rRuU]?(?P<quote>\"{3}|'{3}|\"|')\\?\s*+
        (?P<line>[^\r\n]*?)(?:(?P=quote)|[\r\n]|$)""",
    re.VERBOSE,
)


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A document's text. A UTF-8 file's is the file, byte for byte: a mark at the beginning and all newlines stay."""

    text: str
    language: str
    """"python", "markdown", …; empty for plain text."""
    title: str
    encoding: str
    """"utf-8", "utf-16", or the guess "cp1252" or "latin-1" for bytes that are neither."""


def extract(path: str, raw: bytes) -> Text:
    """Decode a file and name it: by its first Markdown heading, its module docstring, else by its file name."""
    text, encoding = _decoded(raw)
    language = language_of(path, raw[:200])
    title = _title(text[:_HEAD_CHARS], language) or path.rpartition("/")[2]
    return Text(text=text, language=language, title=title[:MAX_TITLE_CHARS], encoding=encoding)


def _decoded(raw: bytes) -> tuple[str, str]:
    """The text and the encoding it was in. Western European is the guess because in it nothing is lost."""
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16" if utf16 else "utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding), encoding
    return raw.decode("latin-1"), "latin-1"


def _title(head: str, language: str) -> str:
    if language == "markdown":
        return Outline(head).title
    if language == "python":
        docstring = _DOCSTRING.match(head)
        return docstring["line"].rstrip() if docstring else ""
    return ""
