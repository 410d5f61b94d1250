"""An answer that is cut off is nobody's fault but the connection's."""

from __future__ import annotations

import asyncio

import pytest

from patina import wire
from patina.errors import Unavailable
from patina.types import Endpoint
from patina_http.dialer import HttpDialer
from patina_http.settings import HttpSettings

HEALTH = b'{"status": "ok", "version": "0.1.0", "uptime_s": 1}'


@pytest.mark.parametrize("status", [b"200 OK", b"503 Service Unavailable"])
async def test_an_answer_that_ends_too_early_says_that_nobody_is_there(status: bytes) -> None:
    """As when the daemon is killed while it writes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(HEALTH), HEALTH))
            await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n" % status)
        writer.write(b'{"version": "0.1')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    async with server, HttpDialer(HttpSettings()).connect(Endpoint("http", f"{host}:{port}"), None) as connection:
        with pytest.raises(Unavailable, match=str(port)):
            await connection.handle(wire.Ping())
