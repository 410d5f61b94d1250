"""A writer is killed in the middle of its work, again and again: all that it was told is durable is there.

Run as a program, this file is the writer: it rewrites a few documents for ever, some of them at once, and says each
version when it is acknowledged.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

import pytest

from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Collection, Entry, Store, Write
from patina.types import Document

MODEL = "a" * 64
NAMES = ("a", "b", "c", "d")
KILLS = 8
IN_FLIGHT = 6
WAIT_S = 30.0

pytestmark = pytest.mark.crash


def text(name: str, version: int) -> str:
    """A few passages that name the version, and one that all versions share."""
    return "\n".join(["shared", *(f"{name} version {version} line {line}" for line in range(3 + version % 20))])


def draft(name: str, version: int) -> Entry:
    content = text(name, version)
    document = Document(path=name, location=f"/{name}", digest=digest(content.encode()), modified_ns=version)
    return entry("papers", document, content, Cutter("lines", _lines))


def _lines(content: str, _language: str) -> list[Piece]:
    return [
        Piece(text=line, start_byte=0, end_byte=len(line), start_line=number, end_line=number)
        for number, line in enumerate(content.splitlines(), start=1)
    ]


def write_for_ever(path: Path, seed: int) -> None:
    choose = random.Random(seed)
    store = Store.open(path)
    store.save_collection(Collection(name="papers", identity=MODEL)).result()
    version = max([document.modified_ns for document in store.documents("papers").values()], default=0)
    in_flight: deque[tuple[str, int, Future[int]]] = deque()
    while True:
        version += 1
        name = choose.choice(NAMES)
        write = Write(collection="papers", puts=[draft(name, version)], cursor=(name, str(version)))
        in_flight.append((name, version, store.write(write)))
        missing = store.missing("papers", choose.randrange(20))
        if missing:
            store.put_vectors(MODEL, {one.digest: one.digest[:16].encode() for one in missing})
        while len(in_flight) > choose.randrange(IN_FLIGHT):
            name, acknowledged, future = in_flight.popleft()
            future.result()
            sys.stdout.write(f"{name} {acknowledged}\n")
            sys.stdout.flush()


def killed_after(path: Path, seed: int, lines: int) -> dict[str, int]:
    """Let the writer acknowledge some versions, kill it, and return the last of each document."""
    command = [sys.executable, __file__, str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last_resort = threading.Timer(WAIT_S, writer.kill)
        last_resort.start()
        heard = [writer.stdout.readline() for _ in range(lines)]
        last_resort.cancel()
        writer.kill()
        assert all(heard), "the writer ended by itself, or hung"
        heard += writer.stdout.readlines()
    acknowledged = [line.split() for line in heard if line.endswith("\n")]
    return {name: int(version) for name, version in acknowledged}


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "patina.db"
    choose = random.Random(20)
    acknowledged: dict[str, int] = {}
    for round_ in range(KILLS):
        acknowledged |= killed_after(path, round_, choose.randrange(1, 60))
        store = Store.open(path)
        assert store.check(full=True) == []
        stored = store.documents("papers")
        assert acknowledged.keys() <= stored.keys()
        for name, document in stored.items():
            version = document.modified_ns
            assert version >= acknowledged.get(name, 0), f"{name} fell back in round {round_}"
            assert [chunk.text for chunk in store.document_chunks("papers", name)] == text(name, version).splitlines()
            assert store.cursor("papers", name) == str(version)
        store.close()


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
