"""The engine: composes configuration and plugins into a running whole, owns all state, answers every request.

    async with Patina(Config(home="./patina")) as patina:
        await patina.index("notes", [{"id": "a", "text": "hello"}])
        hits = await patina.scry("greeting")

Nothing listens: doors are opened by whoever runs the engine (`patina.daemon`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from patina import __version__, verify, wire
from patina.config import Config, prepare_home, seconds
from patina.errors import Failed, InvalidRequest, ModelNotFound, PatinaError, Unsupported
from patina.indexing import Indexing
from patina.lock import HomeLock
from patina.models import Lane, Model, ModelPool
from patina.models.pool import rss_mb
from patina.protocols import Embedder
from patina.registry import Registry
from patina.retrieval.search import search
from patina.retrieval.snippet import snippet
from patina.shelf import Shelf
from patina.store import Store
from patina.types import Chunk, Endpoint, Kind
from patina.wire import Caller, Event, Request

if TYPE_CHECKING:
    from patina.types import Vectors

log = logging.getLogger(__name__)

R = TypeVar("R")
LOCAL = Caller(origin="local")
WORK_THREADS = 8
HOUSEKEEPING_S = 5.0


class Patina:
    """One home's engine. Everything it owns is opened by `start` and given back by `close`, in reverse order."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        registry: Registry | None = None,
        embedder: Embedder | None = None,
        plugins: Mapping[str, object] | None = None,
    ) -> None:
        """embedder: used for every collection, whatever the configuration says; plugins: registered by name."""
        self.config = config or Config()
        self.registry = registry or Registry.load(self.config.plugins, extra=plugins or {})
        self.endpoints: list[Endpoint] = []
        """Where doors are open; filled in by whoever opens them."""
        self.shutdown_requested = asyncio.Event()
        self.busy = 0
        """Requests under way."""
        self.last_activity = time.monotonic()
        self._embedder = embedder
        self._started = time.monotonic()
        self._stack: AsyncExitStack | None = None
        self._handlers: dict[type, Callable[[Any], Awaitable[Any]]] = {
            wire.Ping: self._ping,
            wire.Status: self._status,
            wire.Shutdown: self._shutdown,
            wire.Scry: self._scry,
            wire.Index: self._index,
            wire.Embed: self._embed,
            wire.Models: self._models,
            wire.Verify: self._verify,
        }
        self._streams: dict[type, Callable[[Any], AsyncIterator[Event]]] = {
            wire.IndexPaths: self._index_paths,
            wire.Rebuild: self._rebuild,
            wire.Export: self._export,
        }

    # -- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Patina:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Open everything. When it raises (`Locked`, `ConfigError`, `Corrupt`, …) nothing stays open."""
        if self._stack is not None:
            raise Failed("This engine runs already.", hint="Start another one with a home of its own.")
        async with AsyncExitStack() as stack:
            self.registry.check(self.config)
            self._claim_home(stack)
            await self._open(stack)
            for lifespan in self.registry.lifespans(self):
                await stack.enter_async_context(lifespan)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Give everything back; a second call does nothing."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    def _claim_home(self, stack: AsyncExitStack) -> None:
        prepare_home(self.config)
        lock = HomeLock(self.config.home)
        lock.acquire()
        stack.callback(lock.release)

    async def _open(self, stack: AsyncExitStack) -> None:
        threads = ThreadPoolExecutor(WORK_THREADS, thread_name_prefix="patina-work")
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        self._threads = threads
        self._store = await self._run(Store.open, self.config.data / "patina.db")
        stack.push_async_callback(self._run, self._store.close)
        daemon = self.config.daemon
        self._pool = ModelPool(
            self._build_embedder,
            threads=daemon.workers,
            keep_alive_s=seconds(daemon.keep_alive),
            max_memory_mb=daemon.max_memory_mb,
        )
        stack.push_async_callback(self._run, self._pool.close)
        shelf = Shelf(self.config, self.registry, self._store, self._pool)
        stack.push_async_callback(self._run, shelf.close)
        await self._run(shelf.open_all)
        self._shelf = shelf
        self._indexing = Indexing(self.config, self._store, shelf, self._run)
        stack.push_async_callback(self._indexing.stop)
        self._indexing.start()
        housekeeping = asyncio.create_task(self._keep_house())
        stack.callback(housekeeping.cancel)

    def _build_embedder(self, name: str) -> Embedder:
        return self._embedder or self.registry.embedder(name, self.config)

    async def _run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Blocking work, on the engine's own bounded threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            await self._run(self._pool.unload_idle)
            if self._indexing.working:
                self.last_activity = time.monotonic()  # a daemon with work left is not idle

    # -- the service --------------------------------------------------------------------------------------------------

    async def handle(self, request: Request[R], caller: Caller = LOCAL) -> R:
        """Answer one request. Raises `PatinaError` and nothing else."""
        if type(request) in self._streams:
            async with aclosing(self.stream(request, caller)) as events:  # type: ignore[type-var]
                async for event in events:
                    last = event
            return last  # type: ignore[return-value]  # a stream's last event is its request's reply
        handler = self._handlers.get(type(request))
        if handler is None:
            raise Unsupported(f"This version does not know {type(request).__name__}.", hint="Update the daemon.")
        with self._edge(request, caller):
            reply: R = await handler(wire.checked(request))
            return reply

    async def stream(self, request: Request[Any], caller: Caller = LOCAL) -> AsyncIterator[Event]:
        """Answer with events, the reply last. Closing the iterator ends the work at the next batch."""
        start = self._streams.get(type(request))
        if start is None:
            raise Unsupported(f"{type(request).__name__} does not stream.", hint="Use `handle`.")
        with self._edge(request, caller):
            async with aclosing(start(wire.checked(request))) as events:  # type: ignore[type-var]
                async for event in events:
                    yield event

    def _edge(self, request: Request[Any], caller: Caller) -> _Edge:
        return _Edge(self, type(request).__name__, caller)

    # -- for Python programs ------------------------------------------------------------------------------------------

    async def scry(self, query: str, **fields: Any) -> wire.Hits:
        """Ask; the fields are those of `wire.Scry`."""
        return await self.handle(wire.Scry(query=query, **fields))

    async def index(
        self, repo: str, documents: Sequence[Mapping[str, Any] | wire.InputDocument], wait: bool = True
    ) -> wire.IndexReport:
        """Take in documents: mappings with the fields of `wire.InputDocument`."""
        try:
            given = msgspec.convert([_plain(document) for document in documents], list[wire.InputDocument])
        except msgspec.ValidationError as error:
            raise wire.invalid(error) from None
        return await self.handle(wire.Index(repo=repo, documents=given, wait=wait))

    async def index_paths(
        self, paths: Sequence[str | Path], name: str | None = None, **fields: Any
    ) -> list[wire.IndexReport]:
        """Take in files and folders."""
        absolute = [str(Path(path).absolute()) for path in paths]  # noqa: ASYNC240 - asks for nothing but the working directory
        return (await self.handle(wire.IndexPaths(paths=absolute, name=name, **fields))).reports

    async def embed(self, texts: Sequence[str], kind: Kind = "query", model: str | None = None) -> Vectors:
        """float32 [n, dimension], L2-normalised, in the texts' order."""
        reply = await self.handle(wire.Embed(texts=list(texts), kind=kind, model=model))
        return np.frombuffer(b"".join(reply.vectors), dtype="<f4").reshape(len(texts), reply.dimension)

    # -- handlers -----------------------------------------------------------------------------------------------------

    async def _ping(self, _: wire.Ping) -> wire.Pong:
        return wire.Pong(version=__version__, pid=os.getpid())

    async def _shutdown(self, _: wire.Shutdown) -> wire.Stopping:
        self.shutdown_requested.set()
        return wire.Stopping(pid=os.getpid())

    async def _status(self, _: wire.Status) -> wire.StatusReply:
        default = self._pool.model(self.config.defaults.embedder)
        try:
            model: str | None = (await default.describe()).name
        except PatinaError:
            model = None
        return wire.StatusReply(
            version=__version__,
            pid=os.getpid(),
            home=str(self.config.home),
            uptime_s=round(time.monotonic() - self._started, 3),
            endpoints=[str(endpoint) for endpoint in self.endpoints],
            model=model,
            model_loaded=default.loaded,
            waiting=self._pool.waiting,
            rss_mb=round(rss_mb(), 1),
            collections=await self._run(self._indexing.statuses),
            notes=self._notes(),
        )

    def _notes(self) -> list[str]:
        broken = [f"Plugin {p.name} of {p.distribution}: {p.error}" for p in self.registry.plugins if p.error]
        return [*self.config.notes, *broken, *self._indexing.notes()]

    async def _scry(self, request: wire.Scry) -> wire.Hits:
        return await search(request, self._shelf.choose(request.repos), self._store, self._run)

    async def _index(self, request: wire.Index) -> wire.IndexReport:
        return await self._indexing.documents(request)

    def _rebuild(self, request: wire.Rebuild) -> AsyncIterator[Event]:
        return self._indexing.rebuild(request)

    def _index_paths(self, request: wire.IndexPaths) -> AsyncIterator[Event]:
        return self._indexing.paths(request)

    async def _embed(self, request: wire.Embed) -> wire.Embeddings:
        for position, text in enumerate(request.texts):
            if not text:
                raise InvalidRequest("A text is empty.", hint="Leave it out.", param=f"texts[{position}]")
        model = await self._model(request.model)
        info = await model.describe()
        batch = await model.tokenize(request.texts, request.kind)
        cut = [position for position, tokens in enumerate(batch) if tokens.truncated]
        if cut and not request.truncate:
            raise InvalidRequest(
                f"A text has more than {info.max_tokens} tokens, which is all that {info.name} takes.",
                hint="Shorten it, or set `truncate`.",
                param=f"texts[{cut[0]}]",
            )
        results = await model.compute(batch, Lane.QUESTION if len(batch) == 1 else Lane.REQUEST)
        return wire.Embeddings(
            model=info.name,
            dimension=info.dimension,
            vectors=[result.vector.astype("<f4", copy=False).tobytes() for result in results],
            tokens=[result.tokens for result in results],
            truncated=cut,
        )

    async def _model(self, name: str | None) -> Model:
        """The model of that name, or the default one. Raises `ModelNotFound` with the valid names."""
        if name is None or name in self._embedders():
            return self._pool.model(name or self.config.defaults.embedder)
        entries = await self._entries()
        for offered, entry in entries.items():
            if name == entry.name:
                return self._pool.model(offered)
        known = ", ".join(entry.name for entry in entries.values())
        raise ModelNotFound(f"There is no model {name!r}.", hint=f"There is: {known}.", param="model")

    def _embedders(self) -> list[str]:
        """Offers by name, the default first."""
        default = self.config.defaults.embedder
        return [default, *sorted(name for name in self.registry.embedders if name != default)]

    async def _models(self, _: wire.Models) -> wire.ModelList:
        return wire.ModelList(models=list((await self._entries()).values()))

    async def _entries(self) -> dict[str, wire.ModelEntry]:
        """By offer, without the models that cannot be had. Raises the default's error when none can."""
        entries, failures = {}, []
        for name in self._embedders():
            try:
                entries[name] = await self._model_entry(name)
            except PatinaError as error:
                failures.append(error)
        if not entries:
            raise failures[0]
        return entries

    async def _model_entry(self, name: str) -> wire.ModelEntry:
        model = self._pool.model(name)
        info = await model.describe()
        return wire.ModelEntry(
            name=info.name,
            dimension=info.dimension,
            max_tokens=info.max_tokens,
            created=0,
            default=name == self.config.defaults.embedder,
            loaded=model.loaded,
        )

    async def _verify(self, request: wire.Verify) -> wire.VerifyReport:
        started = time.perf_counter()
        collections = self._shelf.choose(request.repos)
        found = await self._indexing.quietly(
            collections, partial(verify.faults, self._store, collections, request.full)
        )
        counts = [await self._run(self._store.counts, one.name) for one in collections]
        return wire.VerifyReport(
            ok=not found,
            collections=len(collections),
            chunks=sum(count.chunks for count in counts),
            faults=found,
            took_ms=round((time.perf_counter() - started) * 1000, 3),
        )

    async def _export(self, request: wire.Export) -> AsyncIterator[Event]:
        total = 0
        for one in self._shelf.choose(request.repos):
            chunks = self._store.iterate(one.name)
            while chunk := await self._run(next, chunks, None):
                total += 1
                yield _exported(chunk)
        yield wire.Exported(chunks=total)


class _Edge:
    """Around every request: counts it, and lets nothing but a `PatinaError` out."""

    def __init__(self, engine: Patina, what: str, caller: Caller) -> None:
        self._engine = engine
        self._what = what
        self._caller = caller

    def __enter__(self) -> None:
        self._engine.busy += 1
        self._engine.last_activity = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._engine.busy -= 1
        self._engine.last_activity = time.monotonic()
        if isinstance(error, Exception) and not isinstance(error, PatinaError):
            log.error("request=%s origin=%s failed", self._what, self._caller.origin, exc_info=error)
            raise Failed(f"{self._what} failed: {type(error).__name__}.", hint="The log has the details.") from error


def _plain(document: Mapping[str, Any] | wire.InputDocument) -> Any:
    return msgspec.to_builtins(document) if isinstance(document, wire.InputDocument) else dict(document)


def _exported(chunk: Chunk) -> wire.ExportedChunk:
    return wire.ExportedChunk(
        id=chunk.id,
        repo=chunk.repo,
        path=chunk.path,
        location=chunk.location,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        title=chunk.title,
        heading=list(chunk.heading),
        text=chunk.text,
        snippet=snippet(chunk.text),
        previous=chunk.previous,
        next=chunk.next,
    )
