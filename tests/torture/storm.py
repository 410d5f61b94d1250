"""Writers and readers at a daemon that is killed under them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple

from tests.torture.content import WORDS
from tests.torture.daemon import Daemon
from tests.torture.history import Acknowledged, Asked, Held, Notebook, Passage, Refused, Seen

from patina import wire
from patina.client import Client, connect
from patina.errors import PatinaError
from patina.identity import chunk_ids, digest
from patina.registry import Registry
from patina.testing import engine

REPO = "papers"
TEXTS = 40
SECTIONS = 4
PARAGRAPH_WORDS = 150
PATHS = 12
"""Documents of one writer."""
WRITERS = READERS = 4
LIMIT = 8
PATIENCE_S = 30.0


class Text(NamedTuple):
    """A document's text, and the digests of the passages that it is cut into."""

    text: str
    digests: tuple[str, ...]


async def library(seed: int, home: Path) -> list[Text]:
    """Texts of one to four passages. How they are cut is seen in an engine over `home` that has nothing but them."""
    dice = random.Random(seed)
    texts = [_text(dice, number) for number in range(TEXTS)]
    async with engine(home) as reference:
        await reference.index(REPO, [{"path": f"{number:03}.md", "text": text} for number, text in enumerate(texts)])
        found: dict[str, list[str]] = {}
        async with connect(reference) as client:
            async for chunk in client.export():
                found.setdefault(chunk.path, []).append(digest(chunk.text.encode()))
    return [Text(text, tuple(found[f"{number:03}.md"])) for number, text in enumerate(texts)]


def _text(dice: random.Random, number: int) -> str:
    parts = range(dice.randint(1, SECTIONS))
    paragraphs = [" ".join(dice.choices(WORDS, k=PARAGRAPH_WORDS)) for _ in parts]
    return "\n\n".join(f"# Section {number} {part}\n\n{paragraphs[part]}." for part in parts)


class Storm:
    """Four writers, each with documents of its own, and four readers, half of them at each door."""

    def __init__(self, daemon: Daemon, texts: Sequence[Text], notebook: Notebook, dice: random.Random) -> None:
        self._daemon = daemon
        self._texts = texts
        self._notebook = notebook
        self._dice = dice
        self._ops = Counter[str]()
        self._heard = asyncio.Event()
        self._registry = Registry.load()
        self.answers = 0
        self.codes: Counter[str] = Counter()
        """How calls failed."""
        self.failures: set[str] = set()
        """Sentences of the failures that are not just that nobody is there."""
        self.strange: list[str] = []
        """Hits that no write asked for, and failures that are no `PatinaError`."""

    async def begin(self) -> None:
        """Make the collection."""
        async with self._connected(0) as client:
            await self._write(0, client)

    async def blow(self, seconds: float) -> None:
        """Write and read for a while after the first acknowledgement, then kill the daemon under it."""
        clients = [self._client(number, self._write) for number in range(WRITERS)]
        clients += [self._client(number, self._read) for number in range(READERS)]
        self._heard.clear()
        tasks = [asyncio.create_task(client) for client in clients]
        await asyncio.wait_for(self._heard.wait(), PATIENCE_S)
        await asyncio.sleep(seconds)
        self._daemon.kill()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, PatinaError):
                self.codes[outcome.code] += 1
                self.failures |= {str(outcome)} - {str(outcome) if outcome.code == "unavailable" else ""}
            elif isinstance(outcome, BaseException):
                self.strange.append(repr(outcome))

    async def look(self) -> Seen:
        """All that the daemon holds, and what `patina verify --full` says of it."""
        documents: dict[str, list[Passage]] = {}
        async with self._connected(0) as client:
            report = await client.verify(full=True)
            async for chunk in client.export():
                passage = Passage(chunk.id, digest(chunk.text.encode()), "none")
                documents.setdefault(chunk.path, []).append(passage)
        faults = [f"{fault.where}: {fault.what}" for fault in report.faults]
        return Seen(repos={REPO: Held(documents=documents)}, faults=faults)

    async def _client(self, number: int, act: Callable[[int, Client], Awaitable[None]]) -> None:
        async with self._connected(number) as client:
            while True:
                await act(number, client)

    def _connected(self, number: int) -> AbstractAsyncContextManager[Client]:
        return connect(self._daemon.addresses[number % 2], config=self._daemon.config, registry=self._registry)

    async def _write(self, number: int, client: Client) -> None:
        name = f"writer-{number}"
        self._ops[name] += 1
        op = self._ops[name]
        mine = [f"{name}/{document}.md" for document in range(PATHS)]
        chosen = self._dice.sample(mine, self._dice.randint(2, 6))
        if op > 1 and self._dice.random() < 0.2:
            self._notebook.note(Asked(client=name, op=op, what="write", repo=REPO, deletes=tuple(chosen)))
            request: wire.Request[Any] = wire.Delete(repo=REPO, paths=chosen)
        else:
            texts = {path: self._dice.choice(self._texts) for path in chosen}
            puts = {path: text.digests for path, text in texts.items()}
            self._notebook.note(Asked(client=name, op=op, what="write", repo=REPO, puts=puts))
            documents = [wire.InputDocument(path=path, text=text.text) for path, text in texts.items()]
            wait = self._dice.random() < 0.3
            ack: wire.Ack = self._dice.choice(("durable", "written"))  # a kill must take neither
            request = wire.Index(repo=REPO, documents=documents, wait=wait, ack=ack)
        try:
            await client.handle(request)
        except PatinaError as error:
            self._notebook.note(Refused(client=name, op=op, code=error.code, message=str(error)))
            raise
        self._notebook.note(Acknowledged(client=name, op=op))
        self._heard.set()

    async def _read(self, _number: int, client: Client) -> None:
        hits = await client.scry(" ".join(self._dice.choices(WORDS, k=3)), limit=LIMIT)
        self.answers += 1
        for hit in hits.hits:
            if hit.id not in self._ids(hit.path):
                self.strange.append(f"{hit.path}: {hit.id} was found, and nobody wrote it")

    def _ids(self, path: str) -> Mapping[str, None]:
        return dict.fromkeys(one for text in self._texts for one in chunk_ids(REPO, path, text.digests))
