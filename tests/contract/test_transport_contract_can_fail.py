"""Every promise of the door and dialer contracts, broken once: a suite that passes everything proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import pytest

from patina import errors, wire
from patina.testing import DialerContract, DoorContract, FakeDialer, FakeDoor, FakeNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from patina.protocols import Connection, Dialer, Door, Service
    from patina.types import Endpoint, Secret

R = TypeVar("R")


class BrokenError(Exception):
    """What a broken transport raises."""


# -- services that a broken door puts before the real one --------------------------------------------------------------


class Through:
    """Hands everything on."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await self.service.handle(request, caller)

    async def stream(self, request: wire.Request[Any], caller: wire.Caller) -> AsyncIterator[wire.Event]:
        async for event in self.service.stream(request, caller):
            yield event


def _changed(request: wire.Request[R], **fields: object) -> wire.Request[R]:
    if not isinstance(request, wire.Scry):
        return request
    changed: Any = msgspec.structs.replace(request, **fields)
    return cast("wire.Request[R]", changed)


class Dropping(Through):
    """Loses a field that is seldom used."""

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await super().handle(_changed(request, filter=None), caller)


class Filling(Through):
    """Has defaults of its own."""

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await super().handle(
            _changed(request, limit=20) if getattr(request, "limit", 0) == 10 else request, caller
        )


class Nameless(Through):
    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await super().handle(request, wire.Caller(origin=""))


class Vague(Through):
    """Every error is the same error."""

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        try:
            return await super().handle(request, caller)
        except errors.PatinaError as error:
            raise errors.Failed(error.message) from None


class Endless(Through):
    """Keeps the reply for itself."""

    async def stream(self, request: wire.Request[Any], caller: wire.Caller) -> AsyncIterator[wire.Event]:
        events = [event async for event in super().stream(request, caller)]
        for event in events[:-1]:
            yield event


class Short(Through):
    """Has room for a hundred events, and for a hundred thousand characters."""

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        if isinstance(request, wire.Index) and len(request.documents[0].text) > 100_000:
            raise BrokenError("too much")
        return await super().handle(request, caller)

    async def stream(self, request: wire.Request[Any], caller: wire.Caller) -> AsyncIterator[wire.Event]:
        events = [event async for event in super().stream(request, caller)]
        for event in events[-100:]:
            yield event


class Dutiful(Through):
    """Finishes what nobody wants any more."""

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await asyncio.shield(asyncio.create_task(self._finish(request, caller)))

    async def _finish(self, request: wire.Request[R], caller: wire.Caller) -> R:
        return await super().handle(request, caller)


class AllOrNothing(Through):
    """Collects a stream before it sends any of it."""

    async def stream(self, request: wire.Request[Any], caller: wire.Caller) -> AsyncIterator[wire.Event]:
        for event in [event async for event in super().stream(request, caller)]:
            yield event


class OneByOne(Through):
    """Answers one question at a time."""

    busy = False

    async def handle(self, request: wire.Request[R], caller: wire.Caller) -> R:
        if self.busy:
            raise BrokenError("still busy")
        self.busy = True
        reply = await super().handle(request, caller)
        self.busy = False
        return reply


# -- doors -------------------------------------------------------------------------------------------------------------


class NoDoor:
    """Nobody can come in."""


class Placeless(FakeDoor):
    """Does not say where it is."""

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        async with super().listen(service):
            yield []


class Slamming(FakeDoor):
    """Does not wait for what is in flight."""

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        opening = super().listen(service)
        yield await opening.__aenter__()
        del opening


class Revolving(FakeDoor):
    """Stays open, and stands where the other one stands."""

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        self._network.address = lambda: "here"  # type: ignore[method-assign]
        opening = super().listen(service)
        yield await opening.__aenter__()
        del opening


class Clinging(FakeDoor):
    """Waits for the clients to go away by themselves."""

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        async with super().listen(service) as endpoints:
            yield endpoints
            raise BrokenError("a client is still connected")


def behind(before: Callable[[Service], Service]) -> type[FakeDoor]:
    """A door that asks `before(service)` in place of the service."""

    class Behind(FakeDoor):
        @asynccontextmanager
        async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
            async with super().listen(before(service)) as endpoints:
                yield endpoints

    return Behind


DOORS: dict[str, tuple[Callable[[FakeNetwork], Any], tuple[str, ...]]] = {
    "none": (lambda _: NoDoor(), ("test_it_is_a_door",)),
    "placeless": (Placeless, ("test_it_says_where_it_listens",)),
    "dropping": (behind(Dropping), ("test_every_request_arrives_and_its_reply_comes_back",)),
    "filling": (behind(Filling), ("test_a_request_left_at_its_defaults_arrives",)),
    "nameless": (behind(Nameless), ("test_the_service_hears_which_door_it_was",)),
    "vague": (behind(Vague), ("test_an_error_arrives_as_it_was_raised",)),
    "endless": (behind(Endless), ("test_a_stream_ends_with_the_reply",)),
    "short": (behind(Short), ("test_a_long_stream_arrives_in_order", "test_a_large_text_passes")),
    "dutiful": (behind(Dutiful), ("test_what_nobody_waits_for_is_cancelled",)),
    "all or nothing": (behind(AllOrNothing), ("test_a_stream_may_end_with_an_error",)),
    "one by one": (
        behind(OneByOne),
        ("test_many_are_answered_at_once", "test_one_connection_carries_several_requests_at_once"),
    ),
    "slamming": (Slamming, ("test_leaving_lets_what_is_in_flight_end", "test_nobody_answers_after_leaving")),
    "revolving": (Revolving, ("test_two_doors_stand_side_by_side",)),
    "clinging": (Clinging, ("test_an_idle_connection_does_not_hold_the_door_open",)),
}


# -- dialers -----------------------------------------------------------------------------------------------------------


class Around:
    """A connection that hands everything on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def handle(self, request: wire.Request[R]) -> R:
        return await self.connection.handle(request)

    async def stream(self, request: wire.Request[Any]) -> AsyncIterator[wire.Event]:
        async for event in self.connection.stream(request):
            yield event


class Stubborn(Around):
    """Cannot be interrupted, and remembers that somebody tried."""

    async def handle(self, request: wire.Request[R]) -> R:
        try:
            return await super().handle(request)
        except asyncio.CancelledError:
            raise BrokenError("a reply is missing: the connection is out of step") from None


class Greedy(Around):
    """Does not let go of a stream."""

    async def stream(self, request: wire.Request[Any]) -> AsyncIterator[wire.Event]:
        try:
            async for event in super().stream(request):
                yield event
        except GeneratorExit:
            raise BrokenError("the stream has more to say") from None


class Startled(Around):
    """Shows the socket's own errors."""

    async def handle(self, request: wire.Request[R]) -> R:
        try:
            return await super().handle(request)
        except errors.Unavailable:
            raise ConnectionResetError from None


class NoDialer:
    """Cannot call anybody."""


class Silent(FakeDialer):
    """Does not say whom it could not reach."""

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[Any]:
        try:
            async with super().connect(endpoint, key) as connection:
                yield connection
        except errors.Unavailable:
            raise errors.Unavailable("Nobody answers.") from None


class Once(FakeDialer):
    """Calls one time."""

    called = False

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[Any]:
        if self.called:
            raise BrokenError("the line is in use")
        self.called = True
        async with super().connect(endpoint, key) as connection:
            yield connection


def with_line(around: Callable[[Connection], Connection]) -> type[FakeDialer]:
    """A dialer that hands out `around(connection)`."""

    class WithLine(FakeDialer):
        @asynccontextmanager
        async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[Any]:
            async with super().connect(endpoint, key) as connection:
                yield around(connection)

    return WithLine


DIALERS: dict[str, tuple[Callable[[FakeNetwork], Any], tuple[str, ...]]] = {
    "none": (lambda _: NoDialer(), ("test_it_is_a_dialer",)),
    "silent": (Silent, ("test_where_nobody_answers_it_says_so_and_names_the_place",)),
    "once": (Once, ("test_it_connects_again_and_again",)),
    "greedy": (with_line(Greedy), ("test_a_stream_may_be_left_early",)),
    "stubborn": (with_line(Stubborn), ("test_a_request_may_be_given_up",)),
    "startled": (with_line(Startled), ("test_a_door_that_closes_on_a_connection_is_unavailable",)),
}

Table = dict[str, tuple[Callable[[FakeNetwork], Any], tuple[str, ...]]]


def cases(table: Table) -> list[tuple[str, str]]:
    return [(name, test) for name, (_, tests) in table.items() for test in tests]


@pytest.mark.parametrize(("name", "test"), cases(DOORS))
def test_a_broken_door_is_caught(
    name: str, test: str, run: Callable[[object, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patina.testing.contracts.transport.NOTICED_WITHIN_S", 0.2)
    network = FakeNetwork()

    class Suite(DoorContract):
        def door(self, folder: Path) -> Door:
            door: Door = DOORS[name][0](network)
            return door

        def dialer(self) -> Dialer:
            return FakeDialer(network)

    with pytest.raises((AssertionError, BrokenError)):
        run(Suite(), test)


@pytest.mark.parametrize(("name", "test"), cases(DIALERS))
def test_a_broken_dialer_is_caught(name: str, test: str, run: Callable[[object, str], None]) -> None:
    network = FakeNetwork()
    one = DIALERS[name][0](network)

    class Suite(DialerContract):
        def door(self, folder: Path) -> Door:
            return FakeDoor(network)

        def dialer(self) -> Dialer:
            dialer: Dialer = one
            return dialer

    with pytest.raises((AssertionError, BrokenError, ConnectionResetError)):
        run(Suite(), test)


@pytest.mark.parametrize(("contract", "table"), [(DoorContract, DOORS), (DialerContract, DIALERS)])
def test_every_promise_can_be_broken(contract: type[object], table: Table) -> None:
    promises = {name for name in dir(contract) if name.startswith("test_")}
    assert {test for _, test in cases(table)} == promises
