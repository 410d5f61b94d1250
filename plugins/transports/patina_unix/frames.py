"""The messages of the socket, and a line that carries them.

A frame is ``u32 big-endian length | codec byte | body``; the length counts the codec byte and the body, and the codec
is ``m`` for MessagePack or ``j`` for JSON. Both sides say `Hello` first. Then the client sends `Call` and `Cancel`, and
for each call the daemon sends any number of `Told` and exactly one `Answer` or `Fault`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from patina import __version__
from patina.codec import Form, decode, encode
from patina.errors import InvalidRequest, TooLarge
from patina.wire import Failure
from patina_unix.settings import UnixSettings

PROTOCOL = (1, 0)
"""Sides with the same first number understand each other."""

LINGER_S = 1.0
"""How long a closing side waits for its last frames to be taken."""

MIN_MAX_FRAME = 65_536

Id = Annotated[int, Meta(ge=0, le=1 << 53)]

_LENGTH_BYTES = 4
_FORMS: dict[int, Form] = {ord("m"): "msgpack", ord("j"): "json"}
_CODECS: dict[Form, bytes] = {"msgpack": b"m", "json": b"j"}


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One frame's body. Fields that a side does not know are ignored, so a later version may add some."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    protocol: tuple[int, int] = PROTOCOL
    version: str = __version__
    max_frame: Annotated[int, Meta(ge=MIN_MAX_FRAME)]
    """The largest frame that the sender takes, in bytes."""
    features: list[str] = []
    """What the sender understands beyond this protocol version."""


class Call(Message, frozen=True, kw_only=True, tag="call"):
    id: Id
    """Chosen by the client; free again after the terminal frame."""
    request: msgspec.Raw
    """Any request of `patina.wire` with its ``op``."""
    stream: bool = False
    """Tell events until the reply comes."""


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    id: Id


class Told(Message, frozen=True, kw_only=True, tag="event"):
    id: Id
    event: msgspec.Raw


class Answer(Message, frozen=True, kw_only=True, tag="reply"):
    """Terminal."""

    id: Id
    reply: msgspec.Raw


class Fault(Message, frozen=True, kw_only=True, tag="error"):
    """Terminal; without an id the connection itself is at fault, and is closed."""

    id: Id | None = None
    error: Failure


class Frame(NamedTuple):
    form: Form
    body: bytes


class Line:
    """One side of a connection: whole frames in, whole frames out.

    Reading and writing each take at most ``frame_timeout_s`` a frame, but the wait for a frame to begin has no limit.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: UnixSettings) -> None:
        self.max_frame_out = settings.max_frame_bytes
        self._max_frame_in = settings.max_frame_bytes
        self._timeout_s = settings.frame_timeout_s
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def read(self) -> Frame | None:
        """The next frame; None when the other side has gone, also in the middle of one.

        Raises `TooLarge` before any memory is taken, and `InvalidRequest` for an unknown codec; after either the stream
        of frames is lost and the connection must be closed.
        """
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            if length > self._max_frame_in:
                raise TooLarge(f"A frame of {length} bytes is over the limit of {self._max_frame_in}.")
            async with asyncio.timeout(self._timeout_s):
                content = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            return None
        form = _FORMS.get(content[0]) if content else None
        if form is None:
            raise InvalidRequest("A frame begins with neither 'm' (MessagePack) nor 'j' (JSON).")
        return Frame(form, content[1:])

    async def write(self, message: Message, form: Form) -> None:
        """Raises `TooLarge` when the other side would not take the frame, `ConnectionError` when it reads no more."""
        frame = self._framed(message, form)
        try:
            async with self._turn, asyncio.timeout(self._timeout_s):
                self._writer.write(frame)
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise ConnectionAbortedError("The other side does not read.") from None

    def post(self, message: Message, form: Form) -> None:
        """Write a small frame without waiting for it to leave."""
        if not self._writer.is_closing():
            self._writer.write(self._framed(message, form))

    async def close(self) -> None:
        """Returns once what was written has left, or has been given up."""
        self._writer.close()
        try:
            async with asyncio.timeout(LINGER_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def _framed(self, message: Message, form: Form) -> bytes:
        content = _CODECS[form] + encode(message, form)
        if len(content) > self.max_frame_out:
            limit = f"A frame of {len(content)} bytes is over the limit of {self.max_frame_out}."
            raise TooLarge(limit, hint="Send less at once.")
        return len(content).to_bytes(_LENGTH_BYTES, "big") + content


def carried(word: object, form: Form) -> msgspec.Raw:
    """A request, event or reply as part of a message."""
    return msgspec.Raw(encode(word, form))


def hello_of(frame: Frame) -> Hello:
    """The greeting in a frame. Raises `InvalidRequest`."""
    return decode(frame.body, Hello, frame.form)
