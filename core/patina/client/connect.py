"""From an address to a client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from patina.client.address import endpoint_of
from patina.client.client import Client
from patina.protocols import Service
from patina.types import Endpoint, Secret
from patina.wire import Caller, Event, Request

if TYPE_CHECKING:
    from patina.config import Config
    from patina.registry import Registry

R = TypeVar("R")


@asynccontextmanager
async def connect(
    target: Service | Endpoint | str | None = None,
    *,
    config: Config | None = None,
    registry: Registry | None = None,
    key: Secret | str | None = None,
) -> AsyncIterator[Client]:
    """A client of whoever is at `target`.

    A text is an address as `endpoint_of` reads it; None is the configured mothership, else the socket of this home's
    daemon; a `Service` (an engine) is asked in this process. `config` is by default what files and environment say.
    Raises `Unavailable`, naming the endpoint, when nobody answers; nothing is started.
    """
    if not isinstance(target, Endpoint | str | None):
        yield Client(InProcess(target))
        return
    config = config or _loaded()
    endpoint = _endpoint(target, config)
    dialer = (registry or _installed(config)).dialer(endpoint.scheme, config)
    async with dialer.connect(endpoint, _secret(key) or config.key) as connection:
        yield Client(connection)


class InProcess:
    """A connection to an engine in this process: nothing is encoded and nothing listens."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._caller = Caller(origin="local")

    async def handle(self, request: Request[R]) -> R:
        return await self._service.handle(request, self._caller)

    def stream(self, request: Request[Any]) -> AsyncIterator[Event]:
        return self._service.stream(request, self._caller)


def _endpoint(target: Endpoint | str | None, config: Config) -> Endpoint:
    from patina.config import socket_path  # an engine's own client does not read files

    address = target or config.mothership
    if isinstance(address, Endpoint):
        return address
    return endpoint_of(address) if address else Endpoint("unix", str(socket_path(config)))


def _loaded() -> Config:
    from patina.config import load

    return load()


def _installed(config: Config) -> Registry:
    from patina.registry import Registry

    return Registry.load(config.plugins)


def _secret(key: Secret | str | None) -> Secret | None:
    return Secret(key) if isinstance(key, str) else key
