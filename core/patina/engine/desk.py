"""What answers requests: a desk for each subject, all over the same open rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from patina.config import Config
from patina.engine.soundness import Soundness
from patina.indexing import Indexing
from patina.jobs import Jobs
from patina.models import ModelPool
from patina.registry import Registry
from patina.shelf import Shelf
from patina.store import Store
from patina.wire import Event

Handler: TypeAlias = Callable[[Any], Awaitable[Any]]
Stream: TypeAlias = Callable[[Any], AsyncIterator[Event]]
Run: TypeAlias = Callable[..., Awaitable[Any]]
"""Runs blocking work on the engine's own bounded threads."""


class Rooms(NamedTuple):
    """What an engine has open between its start and its close."""

    config: Config
    registry: Registry
    store: Store
    pool: ModelPool
    shelf: Shelf
    indexing: Indexing
    jobs: Jobs
    soundness: Soundness
    run: Run


class Desk(Protocol):
    """Answers some of the requests of `patina.wire`."""

    @property
    def handlers(self) -> Mapping[type, Handler]:
        """By request, what gives its reply."""
        ...

    @property
    def streams(self) -> Mapping[type, Stream]:
        """By request, what gives its events, the reply last."""
        ...
