"""One HTTP connection of a client, for one request at a time. Everything here blocks."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead, RemoteDisconnected

import msgspec

from patina.errors import Failed, PatinaError, TimedOut, TooLarge, Unavailable
from patina.types import Endpoint, Secret
from patina.wire import Failure
from patina_http.settings import HttpSettings

MAX_REPLY_BYTES = 256 << 20
OK = 200


class Line:
    """Opened by its first request and kept open between requests, as far as the other side agrees."""

    def __init__(self, endpoint: Endpoint, key: Secret | None, settings: HttpSettings) -> None:
        host, _, prefix = endpoint.address.partition("/")
        kind = HTTPSConnection if endpoint.scheme == "https" else HTTPConnection
        self._connection = kind(host, timeout=settings.connect_timeout_s)
        self._prefix = f"/{prefix}".rstrip("/")
        self._reply_timeout_s = settings.request_timeout_s
        self._headers = {"Authorization": f"Bearer {key.reveal()}"} if key else {}
        self._response: HTTPResponse | None = None
        self.hung_up = False
        """For good: whoever waited here was woken."""

    @property
    def reusable(self) -> bool:
        answered = self._response is not None and self._response.isclosed()
        return answered and self._connection.sock is not None and not self.hung_up

    def ask(self, path: str, body: bytes | None = None, accept: str = "application/json") -> bytes:
        """The whole body of an answer. Raises the error that it tells, `OSError` or `HTTPException`."""
        return _whole(self.begin(path, body, accept))

    def begin(self, path: str, body: bytes | None, accept: str) -> HTTPResponse:
        """An answer whose body has yet to be read."""
        headers = self._headers | {"Accept": accept} | ({"Content-Type": "application/json"} if body else {})
        was_open = self._connection.sock is not None
        try:
            response = self._begin(path, body, headers)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # While we were idle the other side may have hung up; that says nothing of whether it still listens.
            if not was_open or self.hung_up:
                raise
            self._connection.close()
            response = self._begin(path, body, headers)
        if response.status != OK:
            raise error_in(response.status, _whole(response))
        return response

    def hang_up(self) -> None:
        """From any thread: wake the one that waits here, if there is one."""
        self.hung_up = True
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Once no thread waits here any more."""
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def _begin(self, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        if self._connection.sock is None:
            self._connection.connect()
            self._connection.sock.settimeout(self._reply_timeout_s)  # type: ignore[attr-defined]  # it is open now
        if self.hung_up:
            raise ConnectionAbortedError("We hung up.")
        try:
            self._connection.request("POST" if body else "GET", self._prefix + path, body, headers)
            self._response = self._connection.getresponse()
        except TimeoutError:
            raise TimedOut(f"There was no answer within {self._reply_timeout_s:g} s.") from None
        return self._response


def _whole(response: HTTPResponse) -> bytes:
    body = response.read(MAX_REPLY_BYTES + 1)
    if len(body) > MAX_REPLY_BYTES:
        raise TooLarge(f"The answer has more than {MAX_REPLY_BYTES} bytes.", hint="Ask for less at once.")
    if response.length:  # a read of so many bytes says nothing of an answer that is cut off
        raise IncompleteRead(body, response.length)
    return body


class ErrorBody(msgspec.Struct):
    error: Failure


def error_in(status: int, body: bytes) -> PatinaError:
    """The error that an answer tells; one that is not ours comes from something in between."""
    try:
        told = msgspec.json.decode(body, type=ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failed(f"The answer is an error {status} that is not Patina's.", hint="Is there a proxy in between?")
    return raised_again(told)


def raised_again(told: Failure) -> PatinaError:
    """The error as it was raised: over HTTP the message ends with the hint."""
    message = told.message.removesuffix(told.hint).rstrip()
    return msgspec.structs.replace(told, message=message).error()


def unreachable(endpoint: Endpoint, error: Exception) -> Unavailable:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Unavailable(f"Nobody answers at {endpoint}: {reason}.", hint="Start a daemon there with `patina serve`.")
