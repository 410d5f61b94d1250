"""Patina itself: the engine in this process, with an embedder that is handed the vector of each question.

What is loaded goes straight to the engine's store, for no request takes vectors from outside: vectors first, then the
documents, so that no model is ever asked for them. From there on all is as it is in the daemon.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import uvloop

from benchmarks.store.passages import DIMENSION, Batch, Document, Question
from patina import wire
from patina.config import Config, prepare_home
from patina.engine import Patina
from patina.ingest.chunk import Piece
from patina.ingest.entry import Cutter, entry
from patina.store import Collection, Entry, Store, Write
from patina.types import Document as StoreDocument
from patina.types import Embedded, Kind, ModelInfo, Tokens

if TYPE_CHECKING:
    from patina.types import Vector

T = TypeVar("T")

NAME = "passages"
IN_FLIGHT = 4
SETTLE_POLL_S = 0.02
BUILDER = "patina-dense"
"""The index's background thread, which is there only while it has work."""


class Given:
    """An embedder that only knows what it was told; whatever else the engine wants to know of it says nothing."""

    info = ModelInfo(name="given", dimension=DIMENSION, max_tokens=512, identity="given" * 8)

    def __init__(self) -> None:
        self.vectors: dict[str, Vector] = {}

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:  # noqa: ARG002 - both kinds are alike
        return [Tokens(count=1, truncated=False, payload=text) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        nothing = np.zeros(DIMENSION, np.float32)
        vectors = np.stack([self.vectors.get(str(tokens.payload), nothing) for tokens in batch])
        return Embedded(vectors=vectors, tokens=len(batch))

    def close(self) -> None: ...


class Measured:
    packages = ("patina-daemon",)
    batch = 256

    def open(self, folder: Path) -> None:
        self._given = Given()
        self._in_flight: deque[Future[Any]] = deque()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()
        config = Config(home=folder)
        _create(config)
        self._engine = Patina(config, embedder=self._given)
        self._wait(self._engine.start())

    def load(self, batch: Batch) -> None:
        entries = _entries(batch)
        digests = [chunk.digest for one in entries for chunk in one.chunks]
        rows = [row.tobytes() for row in batch.vectors.astype("<f4", copy=False)]
        store = self._engine.rooms.store
        self._in_flight.append(store.put_vectors(Given.info.identity, dict(zip(digests, rows, strict=True))))
        written = store.write(Write(collection=NAME, puts=entries))
        written.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._wake))
        self._in_flight.append(written)
        self._wait_for_room(IN_FLIGHT)

    def durable(self) -> None:
        self._wait_for_room(0)

    def settle(self) -> None:
        """Until the index has followed the log and its background thread has nothing left to build."""
        follower = self._engine.rooms.indexing._followers[NAME]
        self._wait(follower.settle(embedded=True))
        while any(thread.name.startswith(BUILDER) for thread in threading.enumerate()):
            time.sleep(SETTLE_POLL_S)
        self._wait(follower.settle(embedded=True))

    def hybrid(self, question: Question, count: int) -> list[int]:
        return self._asked(wire.Scry(query=question.text, limit=count), question)

    def by_words(self, question: Question, count: int) -> list[int]:
        return self._asked(wire.Scry(query=question.text, limit=count, mode="lexical"), question)

    def by_meaning(self, question: Question, count: int) -> list[int]:
        return self._asked(wire.Scry(query=question.text, limit=count, mode="semantic"), question)

    def close(self) -> None:
        self._wait(self._engine.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _asked(self, request: wire.Scry, question: Question) -> list[int]:
        self._given.vectors[question.text] = question.vector
        hits = self._wait(self._engine.handle(request)).hits
        return [int(hit.location) + hit.start_line - 1 for hit in hits]

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _wake(self) -> None:
        self._engine.rooms.indexing._followers[NAME].wake()

    def _wait_for_room(self, allowed: int) -> None:
        while len(self._in_flight) > allowed:
            self._in_flight.popleft().result()


def _create(config: Config) -> None:
    """The collection, as if it had been made by a first run."""
    prepare_home(config)
    store = Store.open(config.data / "patina.db")
    try:
        if store.collection(NAME) is None:
            info = Given.info
            record = Collection(
                name=NAME, index="hybrid", identity=info.identity, model=info.name, dimension=info.dimension
            )
            store.save_collection(record).result()
    finally:
        store.close()


def _entries(batch: Batch) -> list[Entry]:
    """A document is located by the number of its first passage, and a passage by the line of its place in it."""
    entries, number = [], batch.first
    for document in batch.documents:
        entries.append(_entry(document, number))
        number += len(document.texts)
    return entries


def _entry(document: Document, number: int) -> Entry:
    pieces = [
        Piece(text=text, start_byte=0, end_byte=len(text), start_line=place, end_line=place)
        for place, text in enumerate(document.texts, start=1)
    ]
    of = StoreDocument(path=document.path, location=str(number), digest=str(number))
    return entry(NAME, of, "", Cutter("given", lambda _text, _language: pieces))
