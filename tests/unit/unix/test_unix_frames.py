"""What goes over the socket, byte by byte: docs/reference/protocol.md as a stranger's client would use it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest

from patina import __version__
from patina import wire as words
from patina.errors import NotFound
from patina.testing import FakeService
from patina.testing.samples import EVENTS, REPLIES

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Until = Callable[[Callable[[], object]], Awaitable[None]]
PING = {"op": "ping"}


def call(number: int, request: Any = None, **fields: Any) -> dict[str, Any]:
    return {"type": "call", "id": number, "request": request or PING, **fields}


@pytest.mark.parametrize("codec", [b"j", b"m"])
async def test_both_sides_say_hello_and_then_talk(opened: Opened, codec: bytes) -> None:
    async with opened() as wire:
        wire.send({"type": "hello", "protocol": [1, 7], "version": "9", "max_frame": 1 << 20, "unknown": 1}, codec)
        hello = await wire.receive()
        assert (hello["type"], hello["protocol"], hello["version"]) == ("hello", [1, 0], __version__)
        wire.send(call(7), codec)
        assert await wire.receive() == {"type": "reply", "id": 7, "reply": msgspec.to_builtins(REPLIES[words.Ping])}


async def test_a_client_need_not_wait_for_the_hello(opened: Opened) -> None:
    async with opened() as wire:
        wire.send({"type": "hello", "protocol": [1, 0], "version": "9", "max_frame": 1 << 20})
        wire.send(call(1))
        assert [(await wire.receive())["type"], (await wire.receive())["type"]] == ["hello", "reply"]


async def test_calls_are_answered_out_of_order(wire: Any, service: FakeService, until: Until) -> None:
    service.gate.clear()
    wire.send(call(1))
    await until(lambda: service.requests)
    wire.send(call(2, {"op": "nonsense"}))
    assert (await wire.receive())["id"] == 2
    service.gate.set()
    assert (await wire.receive())["id"] == 1


async def test_a_stream_tells_events_and_ends_with_the_reply(wire: Any) -> None:
    wire.send(call(3, {"op": "index_paths", "paths": ["/srv"]}, stream=True))
    told = [await wire.receive() for _ in range(len(EVENTS[words.IndexPaths]) + 1)]
    assert [message["type"] for message in told] == ["event", "event", "reply"]
    assert told[0]["event"]["event"] == "progress"
    wire.send(call(3))
    assert (await wire.receive())["type"] == "reply", "the id is free again"


async def test_an_error_of_the_engine_ends_one_call_only(wire: Any, service: FakeService) -> None:
    service.replies[words.Scry] = NotFound("No collection is named x.", hint="There is y.", param="repos")
    wire.send(call(1, {"op": "scry", "query": "lamp"}))
    assert await wire.receive() == {
        "type": "error",
        "id": 1,
        "error": {
            "code": "not_found",
            "message": "No collection is named x.",
            "hint": "There is y.",
            "param": "repos",
        },
    }
    wire.send(call(2))
    assert (await wire.receive())["type"] == "reply"


@pytest.mark.parametrize(
    ("request_", "param"),
    [({"op": "scri"}, "op"), ({"op": "scry", "limit": 0}, "limit"), ({"op": "scry", "qery": ""}, "qery"), ({}, "op")],
)
async def test_a_wrong_request_is_named_and_the_connection_stays(wire: Any, request_: Any, param: str) -> None:
    wire.send({"type": "call", "id": 1, "request": request_})
    error = await wire.receive()
    assert (error["type"], error["id"], error["error"]["param"]) == ("error", 1, param)
    wire.send(call(2))
    assert (await wire.receive())["type"] == "reply"


async def test_a_bug_is_told_without_its_details(
    wire: Any, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service.replies[words.Ping] = property()  # nothing can encode this
    wire.send(call(1))
    error = (await wire.receive())["error"]
    assert error["code"] == "failed"
    assert "property" not in str(error)
    assert "failed" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x{}",
        b"j",
        b"j{",
        b"j[]",
        b'j{"type":"nonsense"}',
        b'j{"type":"call","id":"one","request":{}}',
        b'j{"type":"call","id":-1,"request":{}}',
        b'j{"type":"call","id":1,"request":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"m" + b"\x91" * 100_000,
        b"m\xdd\xff\xff\xff\xff",
        b'j{"type":"call\xff"}',
    ],
)
async def test_a_broken_frame_is_answered_and_ends_the_connection(wire: Any, body: bytes) -> None:
    wire.send_body(body)
    error = await wire.receive()
    assert (error["type"], error["id"], error["error"]["code"]) == ("error", None, "invalid_request")
    assert await wire.receive() is None


@pytest.mark.parametrize("length", [(16 << 20) + 1, (1 << 32) - 1])
async def test_an_oversized_frame_is_refused_before_it_arrives(wire: Any, length: int) -> None:
    wire.writer.write(length.to_bytes(4, "big") + b"j")
    error = await wire.receive()
    assert error["error"]["code"] == "too_large"
    assert str(length) in error["error"]["message"]
    assert await wire.receive() is None


async def test_an_answer_the_client_cannot_take_is_an_error_of_its_own(opened: Opened, service: FakeService) -> None:
    service.replies[words.Embed] = words.Embeddings(model="m", dimension=25_000, vectors=[bytes(100_000)], tokens=[1])
    async with opened() as wire:
        wire.send({"type": "hello", "protocol": [1, 0], "version": "9", "max_frame": 65_536})
        await wire.receive()
        wire.send(call(1, {"op": "embed", "texts": ["a"]}))
        error = await wire.receive()
        assert (error["id"], error["error"]["code"]) == (1, "too_large")


async def test_another_protocol_is_refused_in_words(opened: Opened) -> None:
    async with opened() as wire:
        wire.send({"type": "hello", "protocol": [2, 0], "version": "9", "max_frame": 1 << 20})
        error = (await wire.receive())["error"]
        assert error["code"] == "unsupported"
        assert "2" in error["message"]
        assert await wire.receive() is None


async def test_a_call_without_a_hello_is_refused(opened: Opened) -> None:
    async with opened() as wire:
        wire.send(call(1))
        assert (await wire.receive())["type"] == "error"
        assert await wire.receive() is None


async def test_who_does_not_greet_is_sent_away(opened: Opened) -> None:
    async with opened(hello_timeout_s=0.1) as wire:
        wire.writer.write(b"\0")
        assert await wire.receive() is None


async def test_a_frame_that_drips_is_given_up(opened: Opened) -> None:
    async with opened(frame_timeout_s=0.1) as wire:
        await wire.greet()
        wire.writer.write((100).to_bytes(4, "big") + b"j")
        assert await wire.receive() is None


async def test_a_connection_may_be_idle(opened: Opened) -> None:
    async with opened(frame_timeout_s=0.05, hello_timeout_s=0.05) as wire:
        await wire.greet()
        await asyncio.sleep(0.15)
        wire.send(call(1))
        assert (await wire.receive())["type"] == "reply"


async def test_a_live_id_is_not_used_twice(wire: Any, service: FakeService, until: Until) -> None:
    service.gate.clear()
    wire.send(call(1))
    await until(lambda: service.requests)
    wire.send(call(1))
    told = [await wire.receive(), await wire.receive()]
    assert {message["id"] for message in told} == {None, 1}
    assert service.cancelled == 1


async def test_a_call_may_be_cancelled(wire: Any, service: FakeService, until: Until) -> None:
    service.gate.clear()
    wire.send(call(1))
    await until(lambda: service.requests)
    wire.send({"type": "cancel", "id": 1})
    wire.send({"type": "cancel", "id": 99})
    assert (await wire.receive())["error"]["code"] == "cancelled"
    assert service.cancelled == 1
    service.gate.set()
    wire.send(call(1))
    assert (await wire.receive())["type"] == "reply"


async def test_every_call_gets_one_last_frame_however_soon_it_is_cancelled(wire: Any) -> None:
    for number in range(200):
        wire.send(call(number))
        wire.send({"type": "cancel", "id": number})
    ended = [(await wire.receive())["id"] for _ in range(200)]
    assert sorted(ended) == list(range(200))


async def test_a_client_that_leaves_ends_its_calls(wire: Any, service: FakeService, until: Until) -> None:
    service.gate.clear()
    wire.send(call(1))
    wire.send(call(2, {"op": "index_paths", "paths": ["/srv"]}, stream=True))
    await until(lambda: len(service.requests) == 2)
    wire.writer.close()
    await until(lambda: service.cancelled == 2)


async def test_too_many_calls_at_once_are_turned_away(opened: Opened, service: FakeService) -> None:
    service.gate.clear()
    async with opened(max_in_flight=2) as wire:
        await wire.greet()
        for number in range(3):
            wire.send(call(number))
        error = await wire.receive()
        assert (error["id"], error["error"]["code"]) == (2, "busy")
        service.gate.set()
        assert {(await wire.receive())["type"] for _ in range(2)} == {"reply"}


async def test_a_client_that_does_not_read_is_dropped(opened: Opened, service: FakeService, until: Until) -> None:
    service.replies[words.Embed] = words.Embeddings(model="m", dimension=200_000, vectors=[bytes(800_000)], tokens=[1])
    async with opened(frame_timeout_s=0.2) as wire:
        await wire.greet()
        wire.writer.transport.pause_reading()
        for number in range(20):
            wire.send(call(number, {"op": "embed", "texts": ["a"]}), b"m")
        await until(lambda: wire.writer.transport.is_closing() or wire.reader.at_eof() or stalled(wire))


def stalled(wire: Any) -> bool:
    """Whether the other side has gone: what we write finds nobody."""
    wire.send(call(10_000))
    return wire.writer.transport.is_closing() is True
