"""A store on a disk and one in memory, and documents to put into them: every line is a passage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Collection, Entry, Store
from patina.types import Document

MODEL = "a" * 64


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Holds the empty collection "papers", whose model gives four numbers."""
    path = tmp_path / "data" / "patina.db" if request.param == "disk" else None
    store = Store.open(path)
    store.save_collection(Collection(name="papers", identity=MODEL, model="tiny", dimension=4)).result()
    yield store
    store.close()


@pytest.fixture
def draft() -> Callable[..., Entry]:
    """`draft(path, text, repo="papers", **fields of the document)`; lines that begin with # are headings."""

    def made(path: str, text: str, repo: str = "papers", **fields: Any) -> Entry:
        document = Document(path=path, location=f"/{repo}/{path}", digest=digest(text.encode()), **fields)
        return entry(repo, document, text, Cutter("lines", _lines))

    return made


@pytest.fixture
def vector() -> Callable[[str], bytes]:
    """Four numbers that depend on the text."""

    def made(text: str) -> bytes:
        return np.frombuffer(digest(text.encode()).encode()[:16], dtype="<u4").astype("<f4").tobytes()

    return made


def _lines(text: str, _language: str) -> list[Piece]:
    pieces: list[Piece] = []
    heading: tuple[str, ...] = ()
    start = 0
    for number, line in enumerate(text.splitlines(), start=1):
        end = start + len(line.encode())
        if line.startswith("#"):
            heading = (line,)
        else:
            pieces.append(
                Piece(text=line, start_byte=start, end_byte=end, start_line=number, end_line=number, heading=heading)
            )
        start = end + 1
    return pieces
