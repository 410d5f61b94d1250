"""What a plugin must be. Hooks (`patina.hookspecs`) find these; core then only uses them through the protocols.

Embedders and indexes compute and are synchronous; doors, dialers and deployers wait and are asynchronous. The engine
alone crosses between the two, through bounded executors: a plugin never starts an event loop. Each protocol has a
contract suite in `patina.testing` which built-in and third-party plugins both run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from patina.types import (
    Change,
    Check,
    Embedded,
    Endpoint,
    Fault,
    Host,
    Kind,
    ModelInfo,
    Plan,
    Query,
    Ranking,
    Release,
    Secret,
    Seq,
    Stamp,
    Target,
    Tokens,
)
from patina.wire import Caller, Event, Request

R = TypeVar("R")


class Service(Protocol):
    """The engine as a door sees it: decode, ask this, encode."""

    async def handle(self, request: Request[R], caller: Caller) -> R:
        """Answer one request; raises a `PatinaError` and nothing else."""
        ...

    def stream(self, request: Request[Any], caller: Caller) -> AsyncIterator[Event]:
        """Answer with events; the last one is the request's reply. `aclose()` cancels."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def info(self) -> ModelInfo:
        """Cheap after the first call, and never loads the model itself."""
        ...

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        """Apply the prefix for `kind` and count; a text over `max_tokens` is cut and marked `truncated`."""
        ...

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        """Vectors in the batch's order, float32 [n, dimension], rows L2-normalised.

        Loads the model on first use. Called from several threads at once; releases the GIL while it computes.
        A text's vector is the same bytes whatever else is in flight.
        """
        ...

    def close(self) -> None:
        """Give the memory back; a later `embed` loads again."""
        ...


@runtime_checkable
class Detokenizer(Protocol):
    """What an embedder may be besides: one that tells which texts its own token ids stand for."""

    def detokenize(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """A text for each list, without prefix; special tokens stand for nothing.

        Raises `InvalidRequest` with the param ``ids[n]`` for an id that the model has not.
        """
        ...


@runtime_checkable
class Index(Protocol):
    """A searchable view of one collection, derived from the store's log: it may lose everything and be rebuilt.

    `apply`, `checkpoint`, `drop` and `close` are called from one thread at a time; `rank` from several, also meanwhile.
    """

    @property
    def arms(self) -> Sequence[str]:
        """The rankings that `rank` gives: "dense", "lexical"; "fused" for an engine that fuses by itself."""
        ...

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        """Open or create in `folder` (None: in memory only) and return the last change held.

        A file is believed only with a manifest that matches `stamp` and its checksum; otherwise start over with 0.
        """
        ...

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in changes in log order; applying one again changes nothing.

        The store hands over whole documents, however long. What one call brings becomes visible to `rank` all at once,
        each arm by itself: at the latest 0.6 s after `apply` returned, and at once after `checkpoint`.
        """
        ...

    def rank(self, query: Query) -> list[Ranking]:
        """One ranking an arm asked for, best first, at most `query.window` long, of what is alive in one state of it.

        `query.only` is applied before the window. The dense arm is left out when there is no vector to ask with, or
        nothing embedded.
        """
        ...

    def checkpoint(self) -> Seq:
        """Make what was applied durable and visible; return the last change that is."""
        ...

    def verify(self, full: bool = False) -> list[Fault]:
        """Check files against their manifests; `full` also reads every entry."""
        ...

    def stats(self) -> dict[str, int]:
        """Counts and bytes by name: "lexical_chunks", "dense_vectors", "bytes" …

        "lexical_dead" and "dense_dead" count what is deleted and still takes room.
        """
        ...

    def ids(self, arm: str) -> frozenset[str]:
        """Every live id that an arm holds: what `verify` compares with the store."""
        ...

    def drop(self) -> None:
        """Forget everything, files too; the index stays open and empty at 0."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Door(Protocol):
    """Lets requests in."""

    def listen(self, service: Service) -> AbstractAsyncContextManager[Sequence[Endpoint]]:
        """Entered: accepting connections. Left: no longer accepting, and what was in flight has ended."""
        ...


class Connection(Protocol):
    """One open line to a daemon: the client's side of `Service`."""

    async def handle(self, request: Request[R]) -> R: ...

    def stream(self, request: Request[Any]) -> AsyncIterator[Event]: ...


@runtime_checkable
class Dialer(Protocol):
    """Reaches a door elsewhere."""

    def connect(self, endpoint: Endpoint, key: Secret | None) -> AbstractAsyncContextManager[Connection]:
        """Raises `Unavailable`, naming the endpoint, when nobody answers there."""
        ...


@runtime_checkable
class Deployer(Protocol):
    """Ships a project to a host. Whatever it cannot do raises `Unsupported`."""

    async def check(self, host: Host) -> list[Check]:
        """Probe the host; changes nothing there."""
        ...

    async def plan(self, target: Target) -> Plan:
        """Read both sides and say what would be done; changes nothing."""
        ...

    async def apply(self, plan: Plan) -> Release:
        """Do it; applying again converges."""
        ...

    async def releases(self, target: Target) -> list[Release]:
        """Newest first."""
        ...

    async def rollback(self, target: Target, release: str | None = None) -> Release:
        """Restore a release, by default the one before the newest."""
        ...

    async def pull(self, target: Target, into: Path) -> list[str]:
        """Bring remote edits back into a folder; returns the paths that changed."""
        ...
