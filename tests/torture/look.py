"""All that a home holds, read through the front door and compared with what it must be."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from tests.torture import content
from tests.torture.history import Held, Passage, Seen

from patina.errors import PatinaError
from patina.identity import digest
from patina.types import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.torture.workload import Home

    from patina.store import Store
    from patina.types import Chunk

ASKED = 8
"""Passages of a collection that are searched for."""
WINDOW = 10


def seen(home: Home, started: float, *, alive: bool = False) -> Seen:
    """Follow the log to its end, save, and look at everything. `started`: monotonic time."""
    repos = {}
    faults = [f"{fault.where}: {fault.what}" for fault in home.store.check(full=True)]
    for repo, index in home.indexes.items():
        chunks = list(home.store.iterate(repo))
        arms: dict[str, list[str]] = {}
        try:
            home.follow(repo)
            index.checkpoint()
            faults += [f"{fault.where}: {fault.what}" for fault in index.verify(full=True)]
            faults += _answers(home, repo, chunks)
            arms = {arm: sorted(index.ids(arm)) for arm in index.arms}
        except PatinaError as error:
            faults.append(f"{repo}: the index does not follow: {error}")
        resumed = None if alive else home.resumed.pop(repo, None)
        repos[repo] = Held(documents=documents(home.store, chunks), arms=arms, resumed=resumed)
    return Seen(repos=repos, faults=faults, alive=alive, took_s=round(time.monotonic() - started, 3))


def read(home: Home) -> Seen:
    """Only what can be read while nothing can be written."""
    repos = {}
    for repo, index in home.indexes.items():
        repos[repo] = Held(documents=documents(home.store, home.store.iterate(repo)))
        vector = np.frombuffer(content.vector("0"), "<f4")
        index.rank(Query(text=content.WORDS[0], vector=vector, window=WINDOW))
    return Seen(repos=repos, alive=True)


def documents(store: Store, chunks: Iterable[Chunk]) -> dict[str, list[Passage]]:
    """What is stored, with every text and vector held to what they must be."""
    found: dict[str, list[Passage]] = {}
    chunks = list(chunks)
    vectors = store.vectors([chunk.id for chunk in chunks])
    for chunk in chunks:
        mine = digest(chunk.text.encode())
        known = vectors.get(chunk.id)
        right = "none" if known is None else "right" if known == content.vector(mine) else "wrong"
        found.setdefault(chunk.path, []).append(Passage(chunk.id, mine, right))  # type: ignore[arg-type]
    return found


def plain(store: Store, repo: str) -> dict[str, list[Passage]]:
    """What is stored, where nothing is known of the vectors."""
    found: dict[str, list[Passage]] = {}
    for chunk in store.iterate(repo):
        found.setdefault(chunk.path, []).append(Passage(chunk.id, digest(chunk.text.encode()), "none"))
    return found


def _answers(home: Home, repo: str, chunks: list[Chunk]) -> Iterator[str]:
    """Each arm finds passages by their own words and vector, and nothing that is gone."""
    alive = {chunk.id for chunk in chunks}
    embedded = home.store.embedded(repo)
    often = Counter(chunk.digest for chunk in chunks)
    single = [chunk for chunk in chunks if often[chunk.digest] == 1]
    for chunk in single[:: max(1, len(single) // ASKED)]:
        vector = np.frombuffer(content.vector(chunk.digest), "<f4")
        rankings = home.indexes[repo].rank(Query(text=chunk.text, vector=vector, window=WINDOW))
        answers = {ranking.arm: [one.id for one in ranking.candidates] for ranking in rankings}
        for arm in home.indexes[repo].arms:
            ids = answers.get(arm, [])
            if not set(ids) <= alive:
                yield f"{repo}: the {arm} arm answers with what is gone"
            if chunk.id not in ids and (arm != "dense" or chunk.id in embedded):
                yield f"{repo}: the {arm} arm does not find {chunk.id}"


def leftovers(folder: Path) -> list[str]:
    """Files that a crash may leave behind, and the next start must take away."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [f"{name} is left over" for name in names if name.endswith((".tmp", ".unfinished", "-wal", "-shm"))]
