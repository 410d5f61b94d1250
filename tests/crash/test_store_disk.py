"""A real disk that is full, fails or is read-only, under a store that is being written.

Run as a program, this file is the writer: it writes one document after the other and says what became of each. Faults
come from strace, which makes the Nth call of a kind fail, or from a file system that is really full.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from patina.errors import PatinaError, StorageFull
from patina.identity import digest
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Ack, Collection, Store, Write
from patina.types import Document

WRITES = 12
SYNCS = "fsync,fdatasync"
LIMIT_S = 60.0

pytestmark = pytest.mark.crash


def document(name: str, lines: int = 40, ack: Ack = "durable") -> Write:
    content = "\n".join(f"{name} line {number} {'x' * 60}" for number in range(lines))
    about = Document(path=name, location=f"/{name}", digest=digest(content.encode()))
    return Write(collection="papers", puts=[entry("papers", about, content, Cutter("lines", _lines))], ack=ack)


def _lines(content: str, _language: str) -> list[Piece]:
    return [
        Piece(text=line, start_byte=0, end_byte=len(line), start_line=number, end_line=number)
        for number, line in enumerate(content.splitlines(), start=1)
    ]


def say(*words: object) -> None:
    os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


def write_on(path: Path, ack: Ack, dies: bool) -> None:
    """Write `WRITES` documents, whatever happens; with `dies`, be killed at the first that is refused."""
    try:
        store = Store.open(path)
    except PatinaError as error:
        say("closed", error.code)
        return
    for number in range(WRITES):
        name = f"{number:02}"
        try:
            store.write(document(name, ack=ack)).result()
            say("stored", name)
        except PatinaError as error:
            say("refused", name, error.code)
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            say("readable", *sorted({chunk.path for chunk in store.iterate("papers")}))
    with suppress(PatinaError):
        store.commit().result()
        say("committed")
        store.close()


class Told:
    """What the writer said."""

    def __init__(self, output: str) -> None:
        words = [line.split() for line in output.splitlines()]
        self.stored = [line[1] for line in words if line[0] == "stored"]
        self.refused = {line[1]: line[2] for line in words if line[0] == "refused"}
        self.readable = [line[1:] for line in words if line[0] == "readable"]
        self.closed = [line[1] for line in words if line[0] == "closed"]
        self.order = [line[1] for line in words if line[0] in {"stored", "refused"}]


def run(path: Path, *faults: str, ack: Ack = "durable", dies: bool = False, trace: Path | None = None) -> Told:
    """Have the writer write into an empty store. strace counts a thread's calls, and the store's does nearly all."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    store = Store.open(path)
    store.save_collection(Collection(name="papers")).result()
    store.close()
    traced = ["-o", str(trace or os.devnull), "-s", "32", *(word for fault in faults for word in ("-e", fault))]
    command = [strace, "-f", "-qq", *traced, sys.executable, __file__, str(path), ack, "dies" if dies else "lives"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode in {0, -signal.SIGKILL, 128 + signal.SIGKILL}
    return Told(done.stdout)


def stored(path: Path) -> list[str]:
    store = Store.open(path)
    assert store.check(full=True) == []
    names = list(store.documents("papers"))
    store.close()
    return names


FAULTS = [
    pytest.param(SYNCS, "EIO", "{n}", "storage_failed", id="a sync fails"),
    pytest.param(SYNCS, "EIO", "{n}..{n2}", "storage_failed", id="syncs fail for a while"),
    pytest.param(SYNCS, "ENOSPC", "{n}", "storage_full", id="a sync finds the disk full"),
    pytest.param("pwrite64", "EIO", "{n}..{n2}", "storage_failed", id="writes fail for a while"),
    pytest.param("pwrite64", "ENOSPC", "{n}..{n2}", "storage_full", id="the disk is full for a while"),
    pytest.param("pwrite64", "EROFS", "{n}..{n2}", "storage_failed", id="the disk is read-only for a while"),
]


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
@pytest.mark.parametrize(("calls", "errno", "when", "code"), FAULTS)
def test_what_was_refused_is_not_there_and_what_was_stored_is(
    calls: str, errno: str, when: str, code: str, dies: bool, tmp_path: Path
) -> None:
    refusals = 0
    for number, first in enumerate((4, 7, 10) if calls == SYNCS else (20, 83, 150)):
        path = tmp_path / f"{number}" / "patina.db"
        told = run(path, f"inject={calls}:error={errno}:when={when.format(n=first, n2=first + 2)}", dies=dies)
        assert not told.closed
        assert set(told.refused.values()) <= {code}
        assert stored(path) == told.stored
        if not dies:
            assert told.stored[-1] == f"{WRITES - 1:02}", "it never healed"
            assert all(seen == told.stored[: len(seen)] for seen in told.readable)
        refusals += len(told.refused)
    assert refusals >= 3


def test_the_log_of_writes_is_written_again_before_another_commit(tmp_path: Path) -> None:
    """The kernel takes for clean what a failed sync was about, so that a later sync says nothing of it."""
    trace = tmp_path / "trace"
    path = tmp_path / "patina.db"
    told = run(path, "trace=pwrite64,fsync,fdatasync,write", f"inject={SYNCS}:error=EIO:when=6", trace=trace)
    assert len(told.refused) == 1
    lines = trace.read_text().splitlines()
    failed = next(number for number, line in enumerate(lines) if "INJECTED" in line)
    stored = next(number for number, line in enumerate(lines[failed:], failed) if '"stored ' in line)
    offsets = [int(found[1]) for line in lines[failed:stored] if (found := re.search(r"pwrite64\(.*, (\d+)\)", line))]
    assert offsets[0] == 0, "the whole of it"
    rewritten = next(number for number, line in enumerate(lines[failed:], failed) if "pwrite64(" in line)
    assert re.search(r"fsync\(\d+\)\s+= 0", lines[rewritten + 1]), "and synced before anything else is written"


def test_a_write_that_does_not_wait_is_synced_by_a_commit(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    run(tmp_path / "patina.db", "trace=fsync,fdatasync,write", ack="written", trace=trace)
    marks = {"stored ": "s", "committed": "c", "sync(": "f"}
    story = "".join(sign for line in trace.read_text().splitlines() for word, sign in marks.items() if word in line)
    assert "ssss" in story, "no sync between them"
    assert "fc" in story, "a sync just before the commit is told"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_refuses_writes_answers_questions_and_heals(small: Path) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"\0" * (1 << 20))
    store = Store.open(small / "patina.db")
    store.save_collection(Collection(name="papers")).result()
    acknowledged: list[str] = []
    refused = 0
    for number in range(400):
        try:
            store.write(document(f"{number:03}")).result()
            acknowledged.append(f"{number:03}")
        except StorageFull:
            refused += 1
        if refused == 3:
            break
    assert refused == 3
    assert len(acknowledged) > 10
    assert list(store.documents("papers")) == acknowledged
    assert store.check(full=True) == []
    ballast.unlink()
    store.write(document("healed")).result()
    assert list(store.documents("papers")) == [*acknowledged, "healed"]
    store.close()
    assert stored(small / "patina.db") == [*acknowledged, "healed"]


def test_a_store_is_not_made_on_a_full_disk_and_is_once_there_is_room(small: Path) -> None:
    ballast = small / "ballast"
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
    with pytest.raises(StorageFull):
        Store.open(small / "data" / "patina.db").close()
    ballast.unlink()
    store = Store.open(small / "data" / "patina.db")
    store.save_collection(Collection(name="papers")).result()
    store.write(document("one")).result()
    store.close()


if __name__ == "__main__":
    write_on(Path(sys.argv[1]), "written" if sys.argv[2] == "written" else "durable", sys.argv[3] == "dies")
