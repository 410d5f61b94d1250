"""A door to be used by hand: one request a line, over loopback TCP.

    $ nc 127.0.0.1 7007
    ask {"op": "scry", "query": "where are files opened?", "limit": 1}
    reply {"hits": [...], "degraded": null, "took_ms": 3.1, "embed_ms": 0.4}
    stream {"op": "export"}
    event {"event": "chunk", ...}
    event {"event": "exported", "chunks": 12}
    end

What goes wrong is answered with `error` and a `patina.wire.Failure`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from patina import codec
from patina.errors import InvalidRequest, PatinaError, TooLarge
from patina.protocols import Service
from patina.types import Endpoint
from patina.wire import Caller, Failure
from patina_hello.settings import LineSettings

CALLER = Caller(origin="line")


class LineDoor:
    """Listens on 127.0.0.1 alone: it asks nobody for a key."""

    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        guests = Guests(service)
        limit = self._settings.max_line_bytes
        server = await asyncio.start_server(guests.enter, "127.0.0.1", self._settings.port, limit=limit)
        host, port = server.sockets[0].getsockname()
        try:
            yield [Endpoint("line", f"{host}:{port}")]
        finally:
            server.close()
            await guests.leave(self._settings.drain_timeout_s)
            await server.wait_closed()


class Guests:
    """The connections that are open."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.StreamWriter] = set()
        self._leaving = False

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end, in a task that asyncio made for it."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while not self._leaving and (line := await self._line(reader, writer)):
                async with aclosing(self._answers(line)) as answers:
                    async for answer in answers:
                        writer.write(answer + b"\n")
                        await writer.drain()  # a slow reader slows the work down, and fills no memory
        except ConnectionError:
            pass  # the guest has gone; `aclosing` has ended what was done for it
        finally:
            writer.close()

    async def leave(self, timeout_s: float) -> None:
        """Send away who is not being served, wait for the others, and at the end of the time send them away too."""
        self._leaving = True
        for writer in self._idle:
            writer.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The next line; empty at the end. One that is too long becomes the word `too-long`."""
        self._idle.add(writer)
        try:
            return await reader.readline()
        except ValueError:
            return b"too-long"
        finally:
            self._idle.discard(writer)

    async def _answers(self, line: bytes) -> AsyncGenerator[bytes, None]:
        """Whatever a line is worth: a reply, events, or an error."""
        verb, _, body = line.strip().partition(b" ")
        try:
            match verb:
                case b"ask":
                    yield b"reply " + codec.encode(await self._service.handle(codec.decode_request(body), CALLER))
                case b"stream":
                    async for event in self._service.stream(codec.decode_request(body), CALLER):
                        yield b"event " + codec.encode(event)
                    yield b"end"
                case b"too-long":
                    raise TooLarge("The line is too long.", hint="Raise [transports.line] max_line_bytes.")
                case _:
                    raise InvalidRequest("A line begins with `ask` or `stream`.", hint='Try: ask {"op": "ping"}')
        except PatinaError as error:
            yield b"error " + codec.encode(Failure.of(error))
