"""The calling half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, TypeVar

from patina.codec import decode, reply_type
from patina.errors import Denied, PatinaError, Unavailable
from patina.types import Endpoint, Secret
from patina.wire import AnyEvent, Event, Request
from patina_unix.frames import Answer, Call, Cancel, Fault, Frame, Hello, Line, Told, carried
from patina_unix.settings import UnixSettings
from patina_unix.socketfile import peer_uid, trusted

R = TypeVar("R")


class UnixDialer:
    """Reaches a `UnixDoor` of the same user."""

    def __init__(self, settings: UnixSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[UnixConnection]:  # noqa: ARG002
        """Needs no key. Raises `Unavailable` when nobody answers, `Denied` when the socket is somebody else's."""
        async with dialled(endpoint, self._settings) as line:
            connection = UnixConnection(endpoint, line, self._settings)
            try:
                yield connection
            finally:
                await connection.close()


class UnixConnection:
    """Calls share one line. Each stream has a line of its own: one that is read slowly holds up nothing else."""

    def __init__(self, endpoint: Endpoint, line: Line, settings: UnixSettings) -> None:
        self._endpoint = endpoint
        self._line = line
        self._settings = settings
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._lost: PatinaError | None = None
        self._reading = asyncio.create_task(self._read())

    async def handle(self, request: Request[R]) -> R:
        if self._lost is not None:
            raise self._lost
        call = Call(id=next(self._ids), request=carried(request, "msgpack"))
        waiting = self._waiting[call.id] = asyncio.get_running_loop().create_future()
        try:
            with suppress(ConnectionError):  # `_read` hears of it and tells us
                await self._line.write(call, "msgpack")
            answer = await waiting
        except asyncio.CancelledError:
            self._line.post(Cancel(id=call.id), "msgpack")
            raise
        finally:
            del self._waiting[call.id]
        return decode(answer.reply, reply_type(type(request)), "msgpack")

    async def stream(self, request: Request[Any]) -> AsyncIterator[Event]:
        async with dialled(self._endpoint, self._settings) as line:
            call = Call(id=0, request=carried(request, "msgpack"), stream=True)
            with suppress(ConnectionError):  # reading tells
                await line.write(call, "msgpack")
            while True:
                message = _message(await line.read(), self._endpoint)
                match message:
                    case Told():
                        yield decode(message.event, AnyEvent, "msgpack")  # type: ignore[arg-type]
                    case Answer():
                        yield decode(message.reply, reply_type(type(request)), "msgpack")
                        return
                    case Fault():
                        raise message.error.error()

    async def close(self) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        self._end(_lost(self._endpoint))

    async def _read(self) -> None:
        """Hand each answer to who waits for it; when the line ends, tell all of them."""
        try:
            while True:
                self._deliver(_message(await self._line.read(), self._endpoint))
        except PatinaError as error:
            self._end(error)

    def _end(self, error: PatinaError) -> None:
        self._lost = error
        for waiting in self._waiting.values():
            _fail(waiting, error)

    def _deliver(self, message: Told | Answer | Fault) -> None:
        if isinstance(message, Fault) and message.id is None:
            raise message.error.error()
        waiting = self._waiting.get(message.id)  # type: ignore[arg-type]
        if waiting is None:  # cancelled meanwhile
            return
        if isinstance(message, Fault):
            _fail(waiting, message.error.error())
        elif isinstance(message, Answer) and not waiting.done():
            waiting.set_result(message)


@asynccontextmanager
async def dialled(endpoint: Endpoint, settings: UnixSettings) -> AsyncIterator[Line]:
    """A line on which both sides have greeted."""
    line = await _opened(endpoint, settings)
    try:
        with suppress(ConnectionError):  # who hangs up may have said why
            await line.write(Hello(max_frame=settings.max_frame_bytes), "msgpack")
        try:
            async with asyncio.timeout(settings.hello_timeout_s):
                frame = await line.read()
        except TimeoutError:
            raise Unavailable(
                f"Somebody listens at {endpoint} and does not answer.", hint="The daemon is busy or hangs."
            ) from None
        line.max_frame_out = min(_greeting(frame, endpoint).max_frame, settings.max_frame_bytes)
        yield line
    finally:
        await line.close()


async def _opened(endpoint: Endpoint, settings: UnixSettings) -> Line:
    try:
        reader, writer = await asyncio.open_unix_connection(endpoint.address)
    except PermissionError:
        raise Denied(f"The socket {endpoint.address} belongs to somebody else.") from None
    except OSError as error:
        hint = "Start a daemon with `patina serve`."
        raise Unavailable(f"Nobody answers at {endpoint}: {error.strerror or error}.", hint=hint) from None
    line = Line(reader, writer, settings)
    if not trusted(uid := peer_uid(writer.get_extra_info("socket"))):
        await line.close()
        raise Denied(f"Who listens at {endpoint} is user {uid}, not you.", hint="Set PATINA_SOCKET to your own socket.")
    return line


def _greeting(frame: Frame | None, endpoint: Endpoint) -> Hello:
    """The daemon's hello; it may refuse us instead."""
    if frame is None:
        raise _lost(endpoint)
    message: Hello | Fault = decode(frame.body, Hello | Fault, frame.form)  # type: ignore[arg-type]
    if isinstance(message, Fault):
        raise message.error.error()
    return message


def _message(frame: Frame | None, endpoint: Endpoint) -> Told | Answer | Fault:
    if frame is None:
        raise _lost(endpoint)
    message: Told | Answer | Fault = decode(frame.body, Told | Answer | Fault, frame.form)  # type: ignore[arg-type]
    return message


def _lost(endpoint: Endpoint) -> Unavailable:
    return Unavailable(f"The connection to {endpoint} ended.", hint="`patina status` shows whether a daemon runs.")


def _fail(waiting: asyncio.Future[Answer], error: PatinaError) -> None:
    if not waiting.done():
        waiting.set_exception(error)
