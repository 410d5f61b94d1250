"""A transport without a socket: what goes through it is encoded and decoded, as if it went over a wire."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from patina import wire
from patina.errors import Unavailable
from patina.types import Endpoint, Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from patina.protocols import Service

R = TypeVar("R")
T = TypeVar("T")


class FakeNetwork:
    """The doors that are open, by address: what a door and a dialer have in common."""

    def __init__(self) -> None:
        self.doors: dict[str, Opening] = {}
        self._addresses = 0

    def address(self) -> str:
        self._addresses += 1
        return f"door-{self._addresses}"


class Opening:
    """One open door and what is in flight behind it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.accepting = True
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def request(self, endpoint: Endpoint) -> AsyncIterator[None]:
        if not self.accepting:
            raise _nobody(endpoint)
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def drain(self) -> None:
        self.accepting = False
        await self._idle.wait()


class FakeDoor:
    """A door in `network`, for scheme "fake"."""

    def __init__(self, network: FakeNetwork) -> None:
        self._network = network

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        endpoint = Endpoint("fake", self._network.address())
        opening = self._network.doors[endpoint.address] = Opening(service)
        try:
            yield [endpoint]
        finally:
            del self._network.doors[endpoint.address]
            await opening.drain()


class FakeDialer:
    """Reaches the doors in `network`."""

    def __init__(self, network: FakeNetwork) -> None:
        self._network = network

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[FakeConnection]:
        opening = self._network.doors.get(endpoint.address)
        if opening is None:
            raise _nobody(endpoint)
        yield FakeConnection(endpoint, opening, wire.Caller(origin="fake", name="keyed" if key else ""))


class FakeConnection:
    """The client's end."""

    def __init__(self, endpoint: Endpoint, opening: Opening, caller: wire.Caller) -> None:
        self._endpoint = endpoint
        self._opening = opening
        self._caller = caller

    async def handle(self, request: wire.Request[R]) -> R:
        async with self._opening.request(self._endpoint):
            return _carried(await self._opening.service.handle(_carried(request), self._caller))

    async def stream(self, request: wire.Request[Any]) -> AsyncIterator[wire.Event]:
        events = self._opening.service.stream(_carried(request), self._caller)
        async with self._opening.request(self._endpoint), aclosing(events):  # type: ignore[type-var]  # a generator
            async for event in events:
                yield _carried(event)


def _carried(message: T) -> T:
    """The message as the other side of a wire gets it: an equal one, never the same object."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message))


def _nobody(endpoint: Endpoint) -> Unavailable:
    return Unavailable(f"Nobody answers at {endpoint}.", hint="Open a FakeDoor on the same FakeNetwork.")
