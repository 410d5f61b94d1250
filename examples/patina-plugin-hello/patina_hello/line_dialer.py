"""The client's side of the line door: a TCP connection for each request, so that nothing gets out of order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from patina import codec
from patina.errors import Failed, Unavailable
from patina.types import Endpoint, Secret
from patina.wire import AnyEvent, Event, Failure, Request

R = TypeVar("R")
MAX_LINE_BYTES = 256 << 20
"""Of an answer."""


class LineDialer:
    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, key: Secret | None) -> AsyncIterator[LineConnection]:
        """Ring once, so that whoever connects learns here that nobody answers. The door asks for no `key`."""
        connection = LineConnection(endpoint)
        async with connection.line():
            pass
        yield connection


class LineConnection:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def handle(self, request: Request[R]) -> R:
        async with aclosing(self._answers(b"ask", request)) as answers:
            return codec.decode(await anext(answers), codec.reply_type(type(request)))

    async def stream(self, request: Request[Any]) -> AsyncIterator[Event]:
        async with aclosing(self._answers(b"stream", request)) as answers:
            async for body in answers:
                event: Event = codec.decode(body, AnyEvent)  # type: ignore[arg-type]  # a union is not a `type`
                yield event

    @asynccontextmanager
    async def line(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """One TCP connection. Raises `Unavailable` when there is none to be had, or when it breaks."""
        host, _, port = self._endpoint.address.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host, int(port), limit=MAX_LINE_BYTES)
            try:
                yield reader, writer
            finally:
                writer.close()
        except OSError as error:
            raise Unavailable(
                f"Nobody answers at {self._endpoint}: {error.strerror or type(error).__name__}.",
                hint="Start one with `patina serve --transport line`.",
            ) from None

    async def _answers(self, verb: bytes, request: Request[Any]) -> AsyncGenerator[bytes, None]:
        """The JSON of each answer, up to the one that ends them."""
        async with self.line() as (reader, writer):
            writer.write(verb + b" " + codec.encode(request) + b"\n")
            while True:
                word, _, body = (await reader.readline()).strip().partition(b" ")
                match word:
                    case b"reply" | b"event":
                        yield body
                    case b"end":
                        return
                    case b"error":
                        raise codec.decode(body, Failure).error()
                    case b"":
                        raise Unavailable(f"{self._endpoint} hung up before it had answered.", hint="Ask again.")
                    case _:
                        raise Failed(f"{self._endpoint} does not speak as a line door does.")
