"""Events as lines of JSON: ``{"event": …}`` any number of times, then ``{"reply": …}`` or ``{"error": …}``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from litestar.types import Receive, Scope, Send

from patina import wire
from patina.codec import encode, reply_type
from patina.errors import Failed
from patina.protocols import Service
from patina_http.answer import Asked, caller_of, gone, while_there
from patina_http.errors import STOPPING, problem_of

LINES = "application/x-ndjson"


async def streamed(asked: Asked, request: wire.Request[Any]) -> Lines:
    """A response of lines. What fails before the first event is raised, and so gets a status of its own."""
    service: Service = asked.app.state.service
    events = service.stream(request, caller_of(asked))
    first = await while_there(asked, anext(events, None))
    return Lines(first, events, reply_type(type(request)))


class Lines:
    """An ASGI response that writes each event as it comes, and ends the work when the client leaves."""

    def __init__(self, first: wire.Event | None, rest: AsyncIterator[wire.Event], reply: type[Any]) -> None:
        self._first = first
        self._rest = rest
        self._reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", LINES.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        telling = asyncio.create_task(self._tell(send, scope["state"]["request_id"]))
        leaving = asyncio.create_task(gone(receive))
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            telling.cancel()
            leaving.cancel()
            await asyncio.gather(telling, leaving, return_exceptions=True)

    async def _tell(self, send: Send, request_id: str) -> None:
        async with aclosing(self._rest):  # type: ignore[type-var]  # a service's stream is a generator
            async for line in self._lines(request_id):
                await send({"type": "http.response.body", "body": line + b"\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _lines(self, request_id: str) -> AsyncIterator[bytes]:
        event = self._first
        try:
            while event is not None and not isinstance(event, self._reply):
                yield encode({"event": event})
                event = await anext(self._rest, None)
            if event is None:
                raise Failed("The work ended without a reply.")
            yield encode({"reply": event})
        except asyncio.CancelledError:  # the client left, or the door closes
            yield encode({"error": problem_of(STOPPING, request_id).shape(request_id)})
        except Exception as error:  # the edge: the status has been sent, so the last line says it
            yield encode({"error": problem_of(error, request_id).shape(request_id)})
