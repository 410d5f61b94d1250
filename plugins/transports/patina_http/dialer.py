"""The calling half, on the standard library's HTTP client: blocking calls, in a few threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http.client import HTTPException
from typing import Any, TypeVar

import msgspec

from patina.codec import decode, encode, reply_type
from patina.errors import InvalidRequest, Unavailable
from patina.types import Endpoint, Secret
from patina.wire import AnyEvent, Event, Failure, Request
from patina_http.line import MAX_REPLY_BYTES, Line, raised_again, unreachable
from patina_http.settings import HttpSettings

R = TypeVar("R")
T = TypeVar("T")

ROUTE = "/api/request"
LINES = "application/x-ndjson"
MAX_AT_ONCE = 32
"""Requests of one connection that wait for their answer; more wait for their turn."""


class HttpDialer:
    """Reaches an `HttpDoor`, on this machine or elsewhere."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[RemoteEngine]:
        """Raises `Unavailable`, naming the endpoint, when nobody answers there."""
        remote = RemoteEngine(endpoint, key, self._settings)
        try:
            await remote.check()
            yield remote
        finally:
            remote.close()


class RemoteEngine:
    """A connection in Patina's sense: as many HTTP connections as there are requests at once."""

    def __init__(self, endpoint: Endpoint, key: Secret | None, settings: HttpSettings) -> None:
        self._endpoint = endpoint
        self._key = key
        self._settings = settings
        self._idle: list[Line] = []
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="patina-http-client")

    async def check(self) -> None:
        """Raises `Unavailable` unless a Patina answers."""
        async with self._line() as line:
            try:
                decode(await self._wait(line, line.ask, "/health"), Health)
            except InvalidRequest:
                raise Unavailable(f"What answers at {self._endpoint} is not Patina.") from None

    async def handle(self, request: Request[R]) -> R:
        body = encode(request)
        async with self._line() as line:
            answer = await self._wait(line, line.ask, ROUTE, body)
        return decode(answer, reply_type(type(request)))

    async def stream(self, request: Request[Any]) -> AsyncIterator[Event]:
        body = encode(request)
        async with self._line() as line:
            response = await self._wait(line, line.begin, ROUTE, body, LINES)
            while True:
                told = _told(await self._wait(line, response.readline, MAX_REPLY_BYTES), self._endpoint)
                if told.error is not None:
                    raise raised_again(told.error)
                if told.reply:
                    await self._wait(line, response.read)  # the end of the body, so that the line can be used again
                    yield decode(told.reply, reply_type(type(request)))
                    return
                yield decode(told.event, AnyEvent)  # type: ignore[arg-type]  # a union is not a `type`

    def close(self) -> None:
        for line in self._idle:
            line.close()
        self._threads.shutdown(wait=False)  # idle by now, or about to wake from a line that was hung up

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        line = self._idle.pop() if self._idle else Line(self._endpoint, self._key, self._settings)
        try:
            yield line
        finally:
            if line.reusable:
                self._idle.append(line)
            elif not line.hung_up:  # else its thread closes it
                line.close()

    async def _wait(self, line: Line, work: Callable[..., T], *args: Any) -> T:
        """The result of blocking work on a line; to be cancelled is to hang up."""
        working = self._threads.submit(work, *args)
        try:
            return await asyncio.wrap_future(working)
        except asyncio.CancelledError:
            line.hang_up()
            working.add_done_callback(lambda _: line.close())
            raise
        except (OSError, HTTPException) as error:
            raise unreachable(self._endpoint, error) from None


class Health(msgspec.Struct):
    status: str
    version: str


class Told(msgspec.Struct):
    """A line of a stream: exactly one of the three."""

    event: msgspec.Raw = msgspec.Raw()
    reply: msgspec.Raw = msgspec.Raw()
    error: Failure | None = None


def _told(line: bytes, endpoint: Endpoint) -> Told:
    if not line.endswith(b"\n"):
        raise Unavailable(f"The connection to {endpoint} ended.", hint="See whether the daemon still runs.")
    return decode(line, Told)
