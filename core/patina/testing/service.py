"""A service that gives prepared answers and remembers who asked what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from patina.errors import PatinaError, Unsupported
from patina.testing.samples import EVENTS, REPLIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from patina.wire import Caller, Event, Request

R = TypeVar("R")


class FakeService:
    """Answers every request of `patina.wire` with a sample, or with what `replies` and `events` name for its type.

    `events` are what a stream tells before its reply. A reply that is a `PatinaError` is raised. While `gate` is
    cleared every request waits for it. `requests` and `callers` remember what came, in order; `cancelled` counts the
    requests that were given up while they waited.
    """

    def __init__(
        self,
        replies: Mapping[type[Request[Any]], Any] | None = None,
        events: Mapping[type[Request[Any]], Sequence[Event]] | None = None,
    ) -> None:
        self.replies = {**REPLIES, **(replies or {})}
        self.events = {**EVENTS, **(events or {})}
        self.requests: list[Request[Any]] = []
        self.callers: list[Caller] = []
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, request: Request[R], caller: Caller) -> R:
        await self._take(request, caller)
        reply: R = self._reply(request)
        return reply

    async def stream(self, request: Request[Any], caller: Caller) -> AsyncIterator[Event]:
        for event in self.events.get(type(request), ()):
            yield event
        await self._take(request, caller)
        yield self._reply(request)

    async def _take(self, request: Request[Any], caller: Caller) -> None:
        self.requests.append(request)
        self.callers.append(caller)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def _reply(self, request: Request[Any]) -> Any:
        reply = self.replies.get(type(request))
        if isinstance(reply, PatinaError):
            raise reply
        if reply is None:
            raise Unsupported(f"{type(request).__name__} has no prepared answer.", hint="Name one in `replies`.")
        return reply
