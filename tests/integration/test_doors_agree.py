"""One service, asked in process, over the socket and over HTTP: equal answers, equal errors, equal streams."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from patina import errors, wire
from patina.client import Client, connect
from patina.config import Config
from patina.registry import Registry
from patina.testing import FakeService
from patina.testing.samples import EVENTS, REQUESTS

EVERY_ERROR = [it for it in vars(errors).values() if isinstance(it, type) and issubclass(it, errors.PatinaError)]
STREAMED = [request for request in REQUESTS if type(request) in EVENTS]


@asynccontextmanager
async def every_way(service: FakeService) -> AsyncIterator[dict[str, Client]]:
    """Clients of the service by the door that they go through, all found through the registry."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p-")))
        config = Config(home=home, socket=home / "p.sock")
        registry = Registry.load()
        clients = {"in process": await stack.enter_async_context(connect(service))}
        for name, overrides in {"unix": {}, "http": {"port": 0}}.items():
            door = registry.door(name, config, **overrides)
            (endpoint,) = await stack.enter_async_context(door.listen(service))
            reached = connect(str(endpoint), config=config, registry=registry)
            clients[name] = await stack.enter_async_context(reached)
        yield clients


async def test_every_request_gets_the_same_reply() -> None:
    service = FakeService()
    async with every_way(service) as clients:
        for request in REQUESTS:
            replies = [await client.handle(request) for client in clients.values()]
            assert replies[1:] == replies[:-1], type(request).__name__
            assert service.requests[-3:] == [request] * 3


@pytest.mark.parametrize("request_", STREAMED, ids=lambda request: type(request).__name__)
async def test_every_stream_tells_the_same(request_: wire.Request[Any]) -> None:
    async with every_way(FakeService()) as clients:
        told = [[event async for event in client.stream(request_)] for client in clients.values()]
    assert told[1:] == told[:-1]
    assert len(told[0]) > 1


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
async def test_every_error_is_raised_again(kind: type[errors.PatinaError]) -> None:
    error = kind("It did not work.", hint="Try the other way.", param="repos")
    async with every_way(FakeService({wire.Scry: error, wire.Export: error})) as clients:
        for name, client in clients.items():
            with pytest.raises(kind) as asked:
                await client.scry("lamp")
            with pytest.raises(kind) as streamed:
                [chunk async for chunk in client.export()]
            for caught in (asked.value, streamed.value):
                assert type(caught) is kind, name
                assert (caught.message, caught.hint, caught.param) == (error.message, error.hint, error.param), name


async def test_every_door_says_who_asks() -> None:
    service = FakeService()
    async with every_way(service) as clients:
        for client in clients.values():
            await client.ping()
    assert [caller.origin for caller in service.callers] == ["local", "unix", "http"]
