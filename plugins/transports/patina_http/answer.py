"""From an HTTP request to the service and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar

from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import Receive

from patina import wire
from patina.codec import decode, encode
from patina.errors import TimedOut
from patina.protocols import Service
from patina_http.errors import rejected
from patina_http.settings import HttpSettings

R = TypeVar("R")
T = TypeVar("T")

Asked: TypeAlias = Request[Any, Any, State]


async def body_as(asked: Asked, into: type[T]) -> T:
    """The request's JSON body. Raises `InvalidRequest` naming the field that is wrong."""
    return decode(await asked.body(), into)


async def reply_to(asked: Asked, request: wire.Request[R]) -> R:
    """What the service says. The work is cancelled when the client leaves or the time is up."""
    service: Service = asked.app.state.service
    return await while_there(asked, service.handle(request, caller_of(asked)))


async def while_there(asked: Asked, work: Awaitable[T]) -> T:
    """The work's result. Raises `Rejected` when the client leaves before, `TimedOut` when it takes too long."""
    settings: HttpSettings = asked.app.state.settings
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(gone(asked.receive))
    both: set[asyncio.Future[Any]] = {working, leaving}
    try:
        await asyncio.wait(both, timeout=settings.request_timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if leaving.done():
            raise rejected(499, "client_left", "The client left before the answer.")
        raise TimedOut(f"There was no answer within {settings.request_timeout_s:g} s.", hint="Ask for less at once.")
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def gone(receive: Receive) -> None:
    """Returns when the client hangs up; for use once the body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def caller_of(asked: Asked) -> wire.Caller:
    """As the guard found out."""
    caller: wire.Caller = asked.scope["state"]["caller"]
    return caller


def plainly(asked: Asked) -> None:
    """From here on, what goes wrong with this request is told as ``{"error": "…"}``: Ollama's way, and TEI's."""
    asked.state.plain = True


def json(content: bytes, status: int = 200) -> Response[bytes]:
    """JSON that is encoded already."""
    return Response(content, status_code=status, media_type="application/json")


def told(word: object) -> Response[bytes]:
    return json(encode(word))
