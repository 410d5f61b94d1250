"""The listening half."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any, NamedTuple, cast

import uvicorn

from patina.errors import Failed, PatinaError
from patina.protocols import Service
from patina.types import Endpoint
from patina_http.admission import Admission
from patina_http.app import application
from patina_http.heads import HeadProtocol
from patina_http.settings import HttpSettings

LOOPBACK = "127.0.0.1"
BACKLOG = 512
LINGER_S = 1.0
"""How long a closing door waits for its last answers to leave."""


class HttpDoor:
    """Listens on one address. Several may be open in one process; none touches signals or logging."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        """Raises `Failed` when the port cannot be had, `Refused` for an address that others can reach and no key."""
        place = place_of(self._settings.host)
        admission = Admission(self._settings, beyond=not place.is_loopback)
        with bound(place, self._settings.port) as listener:
            address = _address(listener)
            server = self._server(application(service, self._settings, address, admission))
            await server.startup(sockets=[listener])
            try:
                yield [Endpoint("http", address)]
            finally:
                await _drained(server, self._settings.drain_timeout_s)

    def _server(self, app: Any) -> uvicorn.Server:
        """uvicorn without its own ideas of logging, signals and proxies: its `serve` is never called."""
        protocol: Any = partial(HeadProtocol, self._settings)
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=math.ceil(self._settings.keep_alive_s),
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        return server


async def _drained(server: uvicorn.Server, deadline_s: float) -> None:
    """Accept nothing more, let requests end within the deadline, then end them.

    uvicorn's own way out looks every tenth of a second whether it is done; we are told.
    """
    for listening in server.servers:
        listening.close()
    connections = cast("list[HeadProtocol]", list(server.server_state.connections))
    for connection in connections:
        connection.shutdown()
    requests = list(server.server_state.tasks)
    if requests:
        await asyncio.wait(requests, timeout=deadline_s)
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    if connections:
        await asyncio.wait([connection.lost for connection in connections], timeout=LINGER_S)
    for connection in connections:
        connection.transport.abort()


class Place(NamedTuple):
    family: socket.AddressFamily
    address: str

    @property
    def is_loopback(self) -> bool:
        return ip_address(self.address.partition("%")[0]).is_loopback


def bound(place: Place, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises `Failed`."""
    # The protocol is spelled out because asyncio looks for it before it sends small packets without delay.
    listener = socket.socket(place.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((place.address, port))
        # Two sockets may bind one address with SO_REUSEADDR; only one may listen.
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _unusable(place.address, port, error) from None
    return listener


def place_of(host: str) -> Place:
    """The address to bind, one that others can reach if the name has any, and IPv4 if there is a choice.

    Raises `Failed`.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]") or LOOPBACK, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Failed(f"The host name {host!r} is not known.", hint=f"Use {LOOPBACK}.", param="daemon.host") from None
    places = sorted(Place(family, str(address[0])) for family, _, _, _, address in found)
    return min(places, key=lambda place: place.is_loopback)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if listener.family == socket.AF_INET6 else f"{host}:{port}"


def _unusable(address: str, port: int, error: OSError) -> PatinaError:
    if error.errno == errno.EADDRINUSE:
        return Failed(
            f"Port {port} on {address} is in use.",
            hint=f"Another Patina may hold it (`patina status`), or see `ss -ltnp 'sport = :{port}'`; "
            "`--port 0` takes a free one.",
            param="daemon.port",
        )
    if error.errno == errno.EACCES:
        return Failed(
            f"Port {port} is for the system's own services.", hint="Use one from 1024 up.", param="daemon.port"
        )
    return Failed(f"Port {port} on {address} cannot be had: {error.strerror}.", param="daemon.port")
