"""An open Unix door with a fake engine behind it, and a client that speaks in frames of its own making."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from patina.testing import FakeService
from patina_unix.door import UnixDoor
from patina_unix.settings import UnixSettings

HELLO = {"type": "hello", "protocol": [1, 0], "version": "test", "max_frame": 1 << 20}


class Wire:
    """A client made of nothing but a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, message: Any, codec: bytes = b"j") -> None:
        body = json.dumps(message).encode() if codec == b"j" else msgspec.msgpack.encode(message)
        self.send_body(codec + body)

    def send_body(self, body: bytes) -> None:
        self.writer.write(len(body).to_bytes(4, "big") + body)

    async def receive(self) -> Any:
        """The next message; None at the end of the connection."""
        async with asyncio.timeout(10):
            try:
                length = int.from_bytes(await self.reader.readexactly(4), "big")
                body = await self.reader.readexactly(length)
            except asyncio.IncompleteReadError:
                return None
        return json.loads(body[1:]) if body[:1] == b"j" else msgspec.msgpack.decode(body[1:])

    async def greet(self) -> Any:
        self.send(HELLO)
        return await self.receive()


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Private, and with a short name: the path of a socket has a hundred characters at most."""
    with tempfile.TemporaryDirectory(prefix="p-") as made:
        yield Path(made)


@pytest.fixture
def opened(service: FakeService, folder: Path) -> Callable[..., AbstractAsyncContextManager[Wire]]:
    """Opens a door with the given settings and connects to it: ``async with opened(max_in_flight=1) as wire``."""

    @asynccontextmanager
    async def opening(**settings: Any) -> AsyncIterator[Wire]:
        path = folder / "p.sock"
        async with UnixDoor(UnixSettings(socket=str(path), **settings)).listen(service):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                yield Wire(reader, writer)
            finally:
                writer.close()

    return opening


@pytest.fixture
async def wire(opened: Callable[..., AbstractAsyncContextManager[Wire]]) -> AsyncIterator[Wire]:
    """A connection that has greeted."""
    async with opened() as connection:
        await connection.greet()
        yield connection


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for something to become true, ten seconds at most."""

    async def waited(true: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.005)

    return waited
