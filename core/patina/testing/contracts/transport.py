"""What every door and every dialer promises. Each is tested with another that speaks its language."""

from __future__ import annotations

import asyncio
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina import errors, wire
from patina.protocols import Connection, Dialer, Door
from patina.testing.contracts._within import within
from patina.testing.samples import EVENTS, REPLIES, REQUESTS
from patina.testing.service import FakeService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence

    from patina.types import Endpoint

LIMIT_S = 60.0
NOTICED_WITHIN_S = 20.0
AT_ONCE = 8
MANY = 2_000
LARGE_CHARACTERS = 2_000_000
ERRORS = (
    errors.InvalidRequest("limit: Expected `int` <= 1000.", hint="Ask for less.", param="limit"),
    errors.NotFound("There is no collection naïve.", hint="Run `patina status`.", param="repos"),
    errors.ModelNotFound("There is no model x.", param="model"),
    errors.Busy("The queue is full.", hint="Try again."),
    errors.Mismatch("The index was made by another model."),
    errors.Failed("It did not work."),
)


class _Pair(ABC):
    """A door and a dialer that reach each other."""

    @abstractmethod
    def door(self, folder: Path) -> Door:
        """A new door on this machine, at an address that is free. `folder` is empty and has a short name."""

    @abstractmethod
    def dialer(self) -> Dialer: ...

    @asynccontextmanager
    async def listening(self, service: FakeService) -> AsyncIterator[Opened]:
        """An open door. It is entered and left in one task, as a daemon does it."""
        with _folder() as folder:
            opened = Opened(self.door(folder), self.dialer(), service)
            try:
                await opened.entered()
                yield opened
                await opened.leave()
            finally:
                opened.abandon()

    @asynccontextmanager
    async def connected(self, service: FakeService) -> AsyncIterator[Connection]:
        async with self.listening(service) as opened, opened.connect() as connection:
            yield connection


class Opened:
    """A door that is open until `leave`."""

    endpoints: Sequence[Endpoint] = ()

    def __init__(self, door: Door, dialer: Dialer, service: FakeService) -> None:
        self._door = door
        self._dialer = dialer
        self._service = service
        self._entered: asyncio.Future[Sequence[Endpoint]] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._hold())

    async def entered(self) -> None:
        either: set[asyncio.Future[Any]] = {self._entered, self._task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            await self._task
        self.endpoints = await self._entered

    async def leave(self) -> None:
        self._leave.set()
        await self._task

    def abandon(self) -> None:
        """A test that has failed does not wait for the door as well."""
        self._task.cancel()

    def connect(self) -> Any:
        return self._dialer.connect(self.endpoints[0], None)

    async def _hold(self) -> None:
        async with self._door.listen(self._service) as endpoints:
            self._entered.set_result(endpoints)
            await self._leave.wait()


class DoorContract(_Pair):
    """Subclass it; `door` makes the one under test, `dialer` one that reaches it.

    `notices_hanging_up` is False for a door that cannot tell a client that has left from one that waits.
    """

    notices_hanging_up = True

    def test_it_is_a_door(self) -> None:
        with _folder() as folder:
            assert isinstance(self.door(folder), Door)

    @within(LIMIT_S)
    async def test_it_says_where_it_listens(self) -> None:
        async with self.listening(FakeService()) as opened:
            assert opened.endpoints
            assert all(endpoint.scheme and endpoint.address for endpoint in opened.endpoints)

    @within(LIMIT_S)
    async def test_every_request_arrives_and_its_reply_comes_back(self) -> None:
        service = FakeService()
        async with self.connected(service) as connection:
            for request in REQUESTS:
                reply = await connection.handle(request)
                assert service.requests[-1] == request
                assert reply == REPLIES[type(request)], type(request).__name__
        assert len(service.requests) == len(REQUESTS), "each request reaches the service once"

    @within(LIMIT_S)
    async def test_a_request_left_at_its_defaults_arrives(self) -> None:
        service = FakeService()
        async with self.connected(service) as connection:
            await connection.handle(wire.Scry(query="lamp"))
            await connection.handle(wire.Embed(texts=["lamp"]))
        assert service.requests == [wire.Scry(query="lamp"), wire.Embed(texts=["lamp"])]

    @within(LIMIT_S)
    async def test_the_service_hears_which_door_it_was(self) -> None:
        service = FakeService()
        async with self.connected(service) as connection:
            await connection.handle(wire.Ping())
        assert service.callers[0].origin not in {"", "local"}

    @within(LIMIT_S)
    async def test_an_error_arrives_as_it_was_raised(self) -> None:
        for error in ERRORS:
            async with self.connected(FakeService({wire.Scry: error})) as connection:
                _assert_same(await _error(connection.handle(wire.Scry(query="lamp"))), error)
                assert await connection.handle(wire.Ping()) == REPLIES[wire.Ping], "the connection outlives an error"

    @within(LIMIT_S)
    async def test_a_stream_ends_with_the_reply(self) -> None:
        async with self.connected(FakeService()) as connection:
            for request in REQUESTS:
                if type(request) in EVENTS:
                    events = [event async for event in connection.stream(request)]
                    assert events == [*EVENTS[type(request)], REPLIES[type(request)]], type(request).__name__

    @within(LIMIT_S)
    async def test_a_stream_may_end_with_an_error(self) -> None:
        error = errors.NotFound("There is no collection notes.", hint="Index it.", param="repos")
        async with self.connected(FakeService({wire.Export: error})) as connection:
            events: list[wire.Event] = []
            raised = await _error(_collect(connection.stream(wire.Export(repos=["notes"])), events))
        _assert_same(raised, error)
        assert events == list(EVENTS[wire.Export]), "what came before the error is kept"

    @within(LIMIT_S)
    async def test_a_long_stream_arrives_in_order(self) -> None:
        told = [wire.Progress(repo="notes", stage="embed", done=done, total=MANY) for done in range(MANY)]
        async with self.connected(FakeService(events={wire.IndexPaths: told})) as connection:
            events = [event async for event in connection.stream(wire.IndexPaths(paths=["/srv"]))]
        assert events == [*told, REPLIES[wire.IndexPaths]]

    @within(LIMIT_S)
    async def test_a_large_text_passes(self) -> None:
        document = wire.InputDocument(text="naïve 🗝\n" * (LARGE_CHARACTERS // 8), id="large")
        service = FakeService()
        async with self.connected(service) as connection:
            await connection.handle(wire.Index(repo="notes", documents=[document]))
        assert service.requests == [wire.Index(repo="notes", documents=[document])]

    @within(LIMIT_S)
    async def test_many_are_answered_at_once(self) -> None:
        service = FakeService()
        service.gate.clear()
        async with (
            self.listening(service) as opened,
            _started(*[_ask(opened, wire.Ping()) for _ in range(AT_ONCE)]) as asking,
        ):
            await _until(lambda: len(service.requests) == AT_ONCE)
            service.gate.set()
            assert await asyncio.gather(*asking) == [REPLIES[wire.Ping]] * AT_ONCE

    @within(LIMIT_S)
    async def test_one_connection_carries_several_requests_at_once(self) -> None:
        service = FakeService()
        service.gate.clear()
        async with self.connected(service) as connection:
            asking = (connection.handle(wire.Ping()), connection.handle(wire.Models()))
            async with _started(*asking) as (pong, models):
                await _until(lambda: len(service.requests) == 2)
                service.gate.set()
                assert await pong == REPLIES[wire.Ping]
                assert await models == REPLIES[wire.Models]

    @within(LIMIT_S)
    async def test_leaving_lets_what_is_in_flight_end(self) -> None:
        service = FakeService()
        service.gate.clear()
        async with self.listening(service) as opened, _started(_ask(opened, wire.Ping())) as [asking]:
            await _until(lambda: bool(service.requests))
            async with _started(opened.leave()) as [leaving]:
                await asyncio.sleep(0.05)
                assert not leaving.done(), "the door closed on a request that was being answered"
                service.gate.set()
                assert await asking == REPLIES[wire.Ping]
                await leaving

    @within(LIMIT_S)
    async def test_what_nobody_waits_for_is_cancelled(self) -> None:
        if not self.notices_hanging_up:
            return
        service = FakeService()
        service.gate.clear()
        async with self.connected(service) as connection:
            stream = connection.stream(wire.IndexPaths(paths=["/srv"]))
            async with _started(connection.handle(wire.Scry(query="lamp")), _collect(stream, [])):
                await _until(lambda: len(service.requests) == 2)
            await _until(lambda: service.cancelled == 2)

    @within(LIMIT_S)
    async def test_nobody_answers_after_leaving(self) -> None:
        async with self.listening(FakeService()) as opened:
            assert await _ask(opened, wire.Ping()) == REPLIES[wire.Ping]
            await opened.leave()
            assert isinstance(await _error(_ask(opened, wire.Ping())), errors.Unavailable)

    @within(LIMIT_S)
    async def test_an_idle_connection_does_not_hold_the_door_open(self) -> None:
        async with self.listening(FakeService()) as opened, opened.connect() as connection:
            assert await connection.handle(wire.Ping()) == REPLIES[wire.Ping]
            await opened.leave()

    @within(LIMIT_S)
    async def test_two_doors_stand_side_by_side(self) -> None:
        one, two = FakeService(), FakeService()
        async with self.listening(one) as first, self.listening(two) as second:
            await _ask(first, wire.Ping())
            await _ask(second, wire.Models())
        assert (one.requests, two.requests) == ([wire.Ping()], [wire.Models()])


class DialerContract(_Pair):
    """Subclass it; `dialer` makes the one under test, `door` one that it reaches."""

    def test_it_is_a_dialer(self) -> None:
        assert isinstance(self.dialer(), Dialer)

    @within(LIMIT_S)
    async def test_where_nobody_answers_it_says_so_and_names_the_place(self) -> None:
        async with self.listening(FakeService()) as opened:
            (endpoint, *_) = opened.endpoints
        error = await _error(_ask(opened, wire.Ping()))
        assert isinstance(error, errors.Unavailable)
        assert endpoint.address.removeprefix("//") in error.message

    @within(LIMIT_S)
    async def test_it_connects_again_and_again(self) -> None:
        service = FakeService()
        async with self.listening(service) as opened:
            for _ in range(3):
                assert await _ask(opened, wire.Ping()) == REPLIES[wire.Ping]
        assert len(service.requests) == 3

    @within(LIMIT_S)
    async def test_a_stream_may_be_left_early(self) -> None:
        async with self.connected(FakeService()) as connection:
            stream = connection.stream(wire.IndexPaths(paths=["/srv"]))
            async for event in stream:
                assert event == EVENTS[wire.IndexPaths][0]
                break
            await _close(stream)
            assert await connection.handle(wire.Ping()) == REPLIES[wire.Ping]

    @within(LIMIT_S)
    async def test_a_request_may_be_given_up(self) -> None:
        service = FakeService()
        service.gate.clear()
        async with self.connected(service) as connection:
            async with _started(connection.handle(wire.Scry(query="lamp"))) as [asking]:
                await _until(lambda: bool(service.requests))
                asking.cancel()
                await asyncio.wait({asking})
                assert asking.cancelled()
            service.gate.set()
            assert await connection.handle(wire.Ping()) == REPLIES[wire.Ping]

    @within(LIMIT_S)
    async def test_a_door_that_closes_on_a_connection_is_unavailable(self) -> None:
        async with self.listening(FakeService()) as opened, opened.connect() as connection:
            await connection.handle(wire.Ping())
            await opened.leave()
            assert isinstance(await _error(connection.handle(wire.Ping())), errors.Unavailable)


@contextmanager
def _folder() -> Iterator[Path]:
    """Short: the path of a Unix socket has some hundred characters at most."""
    with tempfile.TemporaryDirectory(prefix="door-") as folder:
        yield Path(folder)


async def _ask(opened: Opened, request: wire.Request[Any]) -> Any:
    async with opened.connect() as connection:
        return await connection.handle(request)


@asynccontextmanager
async def _started(*doing: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Tasks that do not outlive the block."""
    tasks = [asyncio.create_task(one) for one in doing]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _collect(stream: AsyncIterator[wire.Event], events: list[wire.Event]) -> None:
    async for event in stream:
        events.append(event)  # noqa: PERF401 (what came before an error is wanted too)


async def _close(stream: AsyncIterator[wire.Event]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()


async def _error(asking: Awaitable[object]) -> errors.PatinaError:
    try:
        reply = await asking
    except errors.PatinaError as error:
        return error
    raise AssertionError(f"an error was to be expected, not {reply!r}")


def _assert_same(found: errors.PatinaError, expected: errors.PatinaError) -> None:
    assert type(found) is type(expected)
    assert (found.code, found.message, found.hint, found.param) == (
        expected.code,
        expected.message,
        expected.hint,
        expected.param,
    )


async def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while not true():
        assert time.monotonic() < deadline, "what was asked did not reach the service"
        await asyncio.sleep(0.005)
