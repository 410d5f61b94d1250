"""Opening everything in order, and the one table from a request to its handler."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from patina import wire
from patina.access import AuditLog, check_scope
from patina.codec import reply_type
from patina.config import Config, prepare_home, seconds
from patina.engine.answers import Answers
from patina.engine.backups import Backups
from patina.engine.desk import Desk, Handler, Rooms, Stream
from patina.engine.exports import Exports
from patina.engine.health import Health
from patina.engine.imports import Imports
from patina.engine.intake import Intake
from patina.engine.jobs import JobsDesk
from patina.engine.keeping import Keeping
from patina.engine.models import Models
from patina.engine.removal import Removal
from patina.engine.soundness import Soundness
from patina.engine.watching import Requests, Watching
from patina.errors import Failed, PatinaError, Unavailable, Unsupported
from patina.indexing import Indexing
from patina.jobs import Jobs
from patina.lock import HomeLock
from patina.models import Cache, ModelPool
from patina.protocols import Embedder
from patina.registry import Registry
from patina.shelf import Shelf
from patina.store import Store
from patina.types import Endpoint, Kind
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
        resume_jobs: bool = True,
    ) -> None:
        """embedder: used for every collection, whatever the configuration says; plugins: registered by name.

        resume_jobs: go on with the jobs that the last engine of this home left unfinished.
        """
        self.config = config or Config()
        self.registry = registry or Registry.load(self.config.plugins, extra=plugins or {})
        self.endpoints: list[Endpoint] = []
        """Where doors are open; filled in by whoever opens them."""
        self.audit: AuditLog | None = None
        """Where changes are written down; filled in likewise."""
        self.shutdown_requested = asyncio.Event()
        self.busy = 0
        """Requests under way."""
        self.requests = Requests()
        """Those that were answered."""
        self.last_activity = time.monotonic()
        self._embedder = embedder
        self._resume_jobs = resume_jobs
        self.started = time.monotonic()
        self._stack: AsyncExitStack | None = None
        self.rooms: Rooms
        """What is open between `start` and `close`, for those who look below requests."""
        self._handlers: dict[type, Handler] = {}
        self._streams: dict[type, Stream] = {}

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
            await self.rooms.jobs.recover(resume=self._resume_jobs)
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
        store = await self._run(Store.open, self.config.data / "patina.db")
        stack.push_async_callback(self._run, store.close)
        daemon = self.config.daemon
        pool = ModelPool(
            self._build_embedder,
            cache=Cache(daemon.cache_mb << 20, daemon.cache_ttl_s, time.monotonic),
            threads=daemon.workers,
            keep_alive_s=seconds(daemon.keep_alive),
            max_memory_mb=daemon.max_memory_mb,
            queue_tokens=daemon.queue_tokens,
        )
        stack.push_async_callback(self._run, pool.close)
        shelf = Shelf(self.config, self.registry, store, pool)
        stack.push_async_callback(self._run, shelf.close)
        await self._run(shelf.open_all)
        indexing = Indexing(self.config, store, shelf, self._run)
        stack.push_async_callback(indexing.stop)
        indexing.start()
        jobs = Jobs(store, indexing, self._run)
        stack.push_async_callback(jobs.stop)
        soundness = Soundness(store, self._run)
        self.rooms = Rooms(self.config, self.registry, store, pool, shelf, indexing, jobs, soundness, self._run)
        stack.push_async_callback(self._seat(self.rooms).stop)
        for work in (soundness.look(), self._keep_house()):
            stack.callback(asyncio.create_task(work).cancel)

    def _seat(self, rooms: Rooms) -> Imports:
        """One desk a subject; every request belongs to one. Returns the one that has something to end."""
        imports, models = Imports(rooms), Models(rooms)
        desks: list[Desk] = [
            Health(rooms, self),
            Answers(rooms),
            Intake(rooms),
            JobsDesk(rooms),
            models,
            Watching(rooms, self, self.requests, models),
            Keeping(rooms),
            Removal(rooms),
            Exports(rooms),
            imports,
            Backups(rooms),
        ]
        self._handlers = {kind: handler for desk in desks for kind, handler in desk.handlers.items()}
        self._streams = {kind: stream for desk in desks for kind, stream in desk.streams.items()}
        return imports

    def _build_embedder(self, name: str) -> Embedder:
        return self._embedder or self.registry.embedder(name, self.config)

    async def _run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Blocking work, on the engine's own bounded threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            await self._run(self.rooms.pool.unload_idle)
            if self.rooms.indexing.working or self.rooms.jobs.working:
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
            self._require_open()
            raise Unsupported(f"This version does not know {type(request).__name__}.", hint="Update the daemon.")
        with self._edge(request, caller):
            check_scope(request, caller)
            reply: R = await handler(wire.checked(request))
            return reply

    async def stream(self, request: Request[Any], caller: Caller = LOCAL) -> AsyncIterator[Event]:
        """Answer with events, the reply last. Closing the iterator ends the work at the next batch."""
        start = self._streams.get(type(request))
        if start is None:
            self._require_open()
            raise Unsupported(f"{type(request).__name__} does not stream.", hint="Use `handle`.")
        with self._edge(request, caller) as edge:
            check_scope(request, caller)
            async with aclosing(start(wire.checked(request))) as events:  # type: ignore[type-var]
                async for event in events:
                    edge.replied = isinstance(event, reply_type(type(request)))
                    yield event

    def _require_open(self) -> None:
        if self._stack is None:
            raise Unavailable("This engine is not open.", hint="Use `async with Patina(...)`, or call `start`.")

    def _edge(self, request: Request[Any], caller: Caller) -> _Edge:
        return _Edge(self, request, caller)

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
            raise wire.invalid(error, list[wire.InputDocument]) from None
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


class _Edge:
    """Around every request: counts it, writes down what it changed, and lets nothing but a `PatinaError` out."""

    def __init__(self, engine: Patina, request: Request[Any], caller: Caller) -> None:
        self._engine = engine
        self._request = request
        self._caller = caller
        self._began = time.perf_counter()
        self.replied = False
        """A stream that has told its reply is done, though nobody asks it for its end."""

    def __enter__(self) -> _Edge:
        self._engine.busy += 1
        self._engine.last_activity = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._engine.busy -= 1
        self._engine.last_activity = time.monotonic()
        failure = None if self.replied else error
        self._engine.requests.note(self._request, failure, time.perf_counter() - self._began)
        if self._engine.audit is not None:
            self._engine.audit.note_request(self._request, self._caller, failure)
        if isinstance(error, Exception) and not isinstance(error, PatinaError):
            what, caller = type(self._request).__name__, self._caller
            log.error("request=%s origin=%s id=%s failed", what, caller.origin, caller.request_id, exc_info=error)
            raise Failed(f"{what} failed: {type(error).__name__}.", hint="The log has the details.") from error


def _plain(document: Mapping[str, Any] | wire.InputDocument) -> Any:
    return msgspec.to_builtins(document) if isinstance(document, wire.InputDocument) else dict(document)
