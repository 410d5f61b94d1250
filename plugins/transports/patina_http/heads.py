"""Connections that take too long to say what they want or to hear it, say too much, or are too many."""

from __future__ import annotations

import asyncio
import fcntl
import math
import secrets
import termios
from array import array
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from patina_http.checks import MAX_HEAD_BYTES
from patina_http.errors import SERVER, Problem
from patina_http.settings import HttpSettings

MALFORMED = Problem(status=400, code="malformed_request", message="This is not HTTP.")
TOO_MUCH = Problem(status=431, code="head_too_large", message=f"A head has at most {MAX_HEAD_BYTES} bytes.")
TOO_SLOW = Problem(status=408, code="head_too_slow", message="The head of the request did not arrive in time.")
TOO_MANY = Problem(
    status=503, code="busy", type=SERVER, message="Too many connections are open.", headers={"retry-after": "1"}
)


class HeadProtocol(HttpToolsProtocol):
    """uvicorn's own, which has no limit on the time and the size of a head."""

    def __init__(self, settings: HttpSettings, **given: Any) -> None:
        super().__init__(**given)
        self._settings = settings
        self._head_timer: asyncio.TimerHandle | None = None
        """Runs from a connection's beginning, and from each further request's first byte, to the end of the head."""
        self._head_bytes = 0
        self._unread_timer: asyncio.TimerHandle | None = None
        """Runs while the client does not take what was sent to it."""
        self.lost: asyncio.Future[None] = self.loop.create_future()
        """Done when the connection is gone, and what was to be sent has left or never will."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_head()
        if len(self.connections) > self._settings.max_connections:
            self._refuse(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self.resume_writing()
        super().connection_lost(exc)
        self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(TOO_MUCH)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not ours
        self._refuse(MALFORMED)

    def _begin_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(self._settings.head_timeout_s, self._refuse, TOO_SLOW)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _await_reader(self, unread: float = math.inf) -> None:
        """Look again and again whether anything was taken of what is `unread`, in bytes; hang up when nothing was."""
        left = self.transport.get_write_buffer_size() + _unacknowledged(self.transport.get_extra_info("socket"))
        if left < unread:
            self._unread_timer = self.loop.call_later(self._settings.read_timeout_s, self._await_reader, left)
        else:
            self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(_response(problem))
            self.transport.close()


def _unacknowledged(line: Any) -> int:
    """What the system has yet to send, or to send again, in bytes; 0 where it does not say.

    It takes megabytes at once, and then nothing for long: what it has taken says little of a slow reader.
    """
    answer = array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(line.fileno(), termios.TIOCOUTQ, answer)
    return answer[0]


def _response(problem: Problem) -> bytes:
    body = problem.body(secrets.token_hex(8))
    status = HTTPStatus(problem.status)
    headers = {
        "content-type": "application/json",
        "content-length": len(body),
        "connection": "close",
        **problem.headers,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
