"""An answer comes from one reading of the store, whatever is committed while it is put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Entry, Write
from patina.testing import engine
from patina.types import Chunk, Document

PASSAGES = 6


def long_document(version: str) -> Entry:
    texts = [f"amber {version} {number}" for number in range(PASSAGES)]
    pieces = [Piece(text=text, start_byte=0, end_byte=0, start_line=1, end_line=1) for text in texts]
    document = Document(path="long", location="long", digest=digest(version.encode()))
    return entry("notes", document, "", Cutter("given", lambda _text, _language: pieces))


async def test_a_commit_in_the_middle_leaves_no_half_of_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with engine(tmp_path / "home") as patina:
        await patina.index("notes", [{"id": "short", "text": "amber"}, {"id": "last", "text": "the end"}])
        store = patina.rooms.store
        store.write(Write(collection="notes", puts=[long_document("old")])).result()
        await patina.index("notes", [{"id": "last", "text": "the very end"}])  # returns when all is searchable
        readings = 0
        read = store.chunks

        def read_and_commit(ids: Sequence[str]) -> dict[str, Chunk]:
            """A reading; before the first the best hit is deleted, and after it the other document is replaced."""
            nonlocal readings
            readings += 1
            if readings == 1:
                store.write(Write(collection="notes", deletes=["short"])).result()
            found = read(ids)
            if readings == 1:
                store.write(Write(collection="notes", puts=[long_document("new")])).result()
            return found

        monkeypatch.setattr(store, "chunks", read_and_commit)
        hits = (await patina.scry("amber", mode="lexical", limit=PASSAGES)).hits
        assert readings > 1, "the test has replaced the document in the middle of the answer"
        assert len([hit for hit in hits if hit.path == "long"]) in {0, PASSAGES}
