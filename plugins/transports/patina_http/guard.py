"""Around the application: an id for every request, the checks of its head, limits on its body, and the last word on
whatever goes wrong."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import suppress

from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from patina.errors import Busy
from patina_http.admission import Admission
from patina_http.checks import Policy, body_length, check_body, check_sender, head_of, too_large
from patina_http.errors import STOPPING, Problem, Rejected, problem_of, rejected
from patina_http.settings import HttpSettings

MIN_BODY_BYTES_PER_S = 65_536
DISCARD_BYTES = 8 << 20
DISCARD_TIMEOUT_S = 2.0
TOO_LARGE = 413

_REQUEST_ID = re.compile(rb"[\w.:-]{1,64}")
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
]


class Guard:
    """An ASGI application that lets only decent requests of those who may ask through to another one."""

    def __init__(self, app: ASGIApp, policy: Policy, admission: Admission, settings: HttpSettings) -> None:
        self._app = app
        self._policy = policy
        self._admission = admission
        self._settings = settings
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, self._policy, self._settings.body_timeout_s)
        self._under_way += 1
        try:
            exchange.check(self._admission)
            if self._under_way > self._settings.max_requests:
                raise Busy("Too many requests are under way.", hint="Try again in a moment.")
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:  # the door closes, and its deadline has passed
            if not exchange.started:
                await exchange.refuse(problem_of(STOPPING, exchange.request_id))
        except Exception as error:  # the edge: nothing but an answer leaves it
            if exchange.started:
                raise
            await exchange.refuse(problem_of(error, exchange.request_id))
        finally:
            self._under_way -= 1


class Exchange:
    """One request and its response, as they pass the guard."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, policy: Policy, body_timeout_s: float) -> None:
        self.started = False
        """Whether the response has begun."""
        self._scope = scope
        self._receive = receive
        self._send = send
        self._policy = policy
        self._taken = 0
        self._body_ahead = True
        self._body_timeout_s = body_timeout_s
        self._began = asyncio.get_running_loop().time()
        self.request_id = scope["state"]["request_id"] = _request_id(scope)

    def check(self, admission: Admission) -> None:
        """Look at the head, and say who asks. Raises `Rejected`, or why the asker may not come in."""
        head = head_of(self._scope["headers"])
        check_sender(head, self._policy)
        length = body_length(head)
        self._body_ahead = length != 0
        client = self._scope["client"]
        caller = admission.admit(head, self._scope["path"], client[0] if client else "", self.request_id)
        self._scope["state"]["caller"] = caller
        if self._body_ahead:
            check_body(head, length, self._policy)

    async def receive(self) -> ReceiveMessage:
        """The next piece. Raises `TooLarge` and `Rejected` as soon as the body breaks a limit."""
        if not self._body_ahead:
            return await self._receive()
        message = await self._piece()
        if self._taken > self._policy.max_body_bytes:
            raise too_large(self._policy)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if message["status"] == TOO_LARGE:
                await self._discard()
            extra = [*_ALWAYS, (b"x-request-id", self.request_id.encode())]
            if self._body_ahead:  # what is left of it must not be read as the next request
                extra.append((b"connection", b"close"))
            message["headers"] = [*message["headers"], *extra]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        body = problem.body(self.request_id)
        headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _piece(self) -> ReceiveMessage:
        deadline = self._began + self._body_timeout_s + self._taken / MIN_BODY_BYTES_PER_S
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            raise rejected(408, "body_too_slow", "The body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise rejected(499, "client_left", "The client left before its request was whole.")
        if message["type"] == "http.request":
            self._taken += len(message["body"])
            self._body_ahead = message["more_body"]
        return message

    async def _discard(self) -> None:
        """Read on for a moment: a client that is still sending would not see the answer if we just hung up."""
        if any(name == b"expect" for name, _ in self._scope["headers"]):
            return  # it asked before it sent
        limit = self._policy.max_body_bytes + DISCARD_BYTES
        with suppress(TimeoutError, Rejected):
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                while self._body_ahead and self._taken < limit:
                    await self._piece()


def _request_id(scope: Scope) -> str:
    """The client's own, if it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return secrets.token_hex(8)
