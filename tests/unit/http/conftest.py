"""An open HTTP door with a fake engine behind it, and clients for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from patina.testing import FakeService
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def opened(service: FakeService) -> Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Opens a door with the given settings: ``async with opened(max_body_bytes=2048) as client``."""

    @asynccontextmanager
    async def opening(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        door = HttpDoor(HttpSettings(**settings))
        async with (
            door.listen(service) as (endpoint,),
            httpx.AsyncClient(base_url=str(endpoint), timeout=30, verify=False) as client,  # noqa: S501 - to skip loading certificates
        ):
            yield client

    return opening


@pytest.fixture
async def http(
    opened: Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]],
) -> AsyncIterator[httpx.AsyncClient]:
    async with opened() as client:
        yield client


@pytest.fixture
def exchange() -> Callable[[httpx.AsyncClient, bytes], Awaitable[bytes]]:
    """Sends bytes as they are to where a client points, and returns all that comes back."""

    async def exchanged(client: httpx.AsyncClient, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        try:
            writer.write(sent)
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()

    return exchanged


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for something to become true, ten seconds at most."""

    async def waited(true: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.005)

    return waited
