"""Bytes become a text whose offsets are the file's own, with a language and a title."""

from __future__ import annotations

import pytest

from patina.ingest.extract import MAX_TITLE_CHARS, extract


@pytest.mark.parametrize(
    "raw", [b"a\r\nb\rc\n", b"\xef\xbb\xbftext", "日本語 🙂".encode(), b"", b"\0", "e\u0301\u2028x\x85".encode()]
)
def test_a_utf8_file_is_kept_byte_for_byte(raw: bytes) -> None:
    text = extract("a.txt", raw)
    assert text.text.encode() == raw
    assert text.encoding == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_needs_its_mark(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    text = extract("a.txt", mark + "größer 日本".encode(encoding))
    assert (text.text, text.encoding) == ("größer 日本", "utf-16")


@pytest.mark.parametrize(
    ("raw", "expected", "encoding"),
    [
        (b"caf\xe9 \x80", "café €", "cp1252"),
        (b"caf\xe9 \x81", "café \x81", "latin-1"),
        (b"\xff\xfeabc", None, "cp1252"),
    ],
)
def test_other_bytes_are_read_as_western_and_marked_as_a_guess(raw: bytes, expected: str | None, encoding: str) -> None:
    text = extract("a.txt", raw)
    assert text.encoding == encoding
    assert expected is None or text.text == expected


@pytest.mark.parametrize(
    ("path", "raw", "language"),
    [
        ("src/a.py", b"", "python"),
        ("A.PY", b"", "python"),
        ("README.md", b"", "markdown"),
        ("Makefile", b"", "makefile"),
        ("deep/Dockerfile", b"", "dockerfile"),
        ("run", b"#!/usr/bin/env -S python3 -u\n", "python"),
        ("run", b"#! /bin/bash\n", "shell"),
        ("run", b"#!/usr/bin/python3.11\n", "python"),
        ("notes.txt", b"#!/bin/sh\n", "shell"),
        ("notes.txt", b"text", ""),
        ("LICENSE", b"text", ""),
        (".py", b"text", ""),
        ("", b"", ""),
    ],
)
def test_the_language_is_known_by_name_or_first_line(path: str, raw: bytes, language: str) -> None:
    assert extract(path, raw).language == language


@pytest.mark.parametrize(
    ("path", "source", "title"),
    [
        ("a/b.txt", "text", "b.txt"),
        ("a.md", "\n\ntext\n\n## The `code` of [life](https://x.org) ##\n# Later\n", "The code of life"),
        ("a.md", "\ufeff# With a mark\n", "With a mark"),
        ("a.md", "Under\n=====\n", "Under"),
        ("a.md", "```\n# comment\n```\n# Real\n", "Real"),
        ("a.md", "---\ntitle: 'From the front'\n---\n# Real\n", "From the front"),
        ("a.md", "no heading", "a.md"),
        ("a.py", '#!/usr/bin/python\n# -*- coding -*-\n\n"""What it does.\n\nMore.\n"""\n', "What it does."),
        ("a.py", 'r"""\n   What it does.   \n"""', "What it does."),
        ("a.py", "'''One line.'''\nx = 1", "One line."),
        ("a.py", '"One quote."\nx = 1', "One quote."),
        ("a.py", 'x = 1\n"""Not a docstring."""', "a.py"),
        ("a.py", '"""\n"""', "a.py"),
        ("a.md", "# " + "x" * 1000, "x" * MAX_TITLE_CHARS),
    ],
)
def test_the_title_is_what_the_author_called_it(path: str, source: str, title: str) -> None:
    assert extract(path, source.encode()).title == title
