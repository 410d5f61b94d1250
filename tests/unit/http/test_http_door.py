"""How the HTTP door opens and closes."""

import asyncio
import logging
import signal
import socket
import threading
from pathlib import Path

import pytest

from patina import wire
from patina.errors import Failed, Refused, TimedOut, Unavailable
from patina.testing import FakeService
from patina.testing.samples import REPLIES
from patina.types import Endpoint, Secret
from patina_http.dialer import HttpDialer
from patina_http.door import HttpDoor, bound, place_of
from patina_http.settings import HttpSettings

FDS = Path("/proc/self/fd")


async def ping(endpoint: Endpoint, key: Secret | None = None, settings: HttpSettings | None = None) -> wire.Pong:
    async with HttpDialer(settings or HttpSettings()).connect(endpoint, key) as connection:
        return await connection.handle(wire.Ping())


async def events(endpoint: Endpoint) -> list[wire.Event]:
    async with HttpDialer(HttpSettings()).connect(endpoint, None) as connection:
        return [event async for event in connection.stream(wire.IndexPaths(paths=["/srv"]))]


async def test_port_0_takes_a_free_one_and_says_which() -> None:
    async with HttpDoor(HttpSettings(port=0)).listen(FakeService()) as (endpoint,):
        host, _, port = endpoint.address.rpartition(":")
        assert (endpoint.scheme, host) == ("http", "127.0.0.1")
        assert int(port) > 0
        assert await ping(endpoint) == REPLIES[wire.Ping]


async def test_a_port_in_use_is_one_sentence_with_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failed) as caught:
            async with HttpDoor(HttpSettings(port=port)).listen(FakeService()):
                pass
    assert str(port) in caught.value.message
    assert "ss -ltnp" in caught.value.hint
    assert caught.value.outcome.exit_code == 1


async def test_one_port_is_not_shared_by_two_doors() -> None:
    async with HttpDoor(HttpSettings()).listen(FakeService()) as (endpoint,):
        port = int(endpoint.address.rpartition(":")[2])
        with pytest.raises(Failed):
            async with HttpDoor(HttpSettings(port=port)).listen(FakeService()):
                pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "::ffff:192.0.2.7"])
async def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(Refused) as caught:
        async with HttpDoor(HttpSettings(host=host)).listen(FakeService()):
            pass
    assert caught.value.outcome.exit_code == 6
    assert "patina key create" in caught.value.hint
    assert "127.0.0.1" in caught.value.hint


async def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(Failed, match="no-such-host"):
        async with HttpDoor(HttpSettings(host="no-such-host.invalid")).listen(FakeService()):
            pass


async def test_a_port_is_free_again_at_once() -> None:
    port = 0
    for _ in range(3):
        async with HttpDoor(HttpSettings(port=port)).listen(FakeService()) as (endpoint,):
            await ping(endpoint)
            port = int(endpoint.address.rpartition(":")[2])


async def test_opening_and_closing_leaves_nothing_behind() -> None:
    async def cycle() -> None:
        async with HttpDoor(HttpSettings()).listen(FakeService()) as (endpoint,):
            await ping(endpoint)

    def state() -> tuple[int, int, object, list[logging.Handler], int]:
        fds = len(list(FDS.iterdir())) if FDS.is_dir() else 0
        running = [thread for thread in threading.enumerate() if not thread.name.startswith("patina-http-client")]
        return len(running), fds, signal.getsignal(signal.SIGINT), logging.root.handlers[:], len(asyncio.all_tasks())

    await cycle()
    before = state()
    for _ in range(20):
        await cycle()
    assert state() == before


async def test_what_takes_longer_than_the_deadline_is_ended() -> None:
    service = FakeService()
    service.gate.clear()
    door = HttpDoor(HttpSettings(drain_timeout_s=0.1))
    asking: asyncio.Task[wire.Pong] | None = None
    async with door.listen(service) as (endpoint,):
        asking = asyncio.create_task(ping(endpoint))
        while not service.requests:
            await asyncio.sleep(0.005)
    assert service.cancelled == 1
    with pytest.raises(Unavailable, match="stopping"):
        await asking


async def test_a_stream_that_takes_longer_than_the_deadline_is_ended() -> None:
    service = FakeService()
    service.gate.clear()
    async with HttpDoor(HttpSettings(drain_timeout_s=0.1)).listen(service) as (endpoint,):
        reading = asyncio.create_task(events(endpoint))
        while not service.requests:
            await asyncio.sleep(0.005)
    assert service.cancelled == 1
    with pytest.raises(Unavailable, match="stopping"):
        await reading


async def test_a_key_is_sent_as_a_bearer_token_and_an_answer_may_be_a_strangers() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="not Patina"):
            await ping(Endpoint("http", f"127.0.0.1:{port}/behind"), Secret("s3cret"))
    assert heard[0].startswith(b"GET /behind/health ")
    assert b"authorization: bearer s3cret" in heard[0].lower()


async def test_a_connection_that_went_stale_while_idle_is_opened_again() -> None:
    service = FakeService()
    async with (
        HttpDoor(HttpSettings(keep_alive_s=0.5)).listen(service) as (endpoint,),
        HttpDialer(HttpSettings()).connect(endpoint, None) as connection,
    ):
        await connection.handle(wire.Ping())
        await asyncio.sleep(1.5)  # uvicorn counts idle time in whole seconds
        assert await connection.handle(wire.Ping()) == REPLIES[wire.Ping]
    assert len(service.requests) == 2


async def test_a_request_that_may_have_arrived_is_not_sent_again() -> None:
    heard: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await ping(Endpoint("http", f"127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert len(heard) == 1


async def test_a_client_does_not_wait_for_ever() -> None:
    service = FakeService()
    service.gate.clear()
    async with HttpDoor(HttpSettings(drain_timeout_s=0.1)).listen(service) as (endpoint,):
        with pytest.raises(TimedOut):
            await ping(endpoint, settings=HttpSettings(request_timeout_s=0.2))


def test_small_packets_leave_without_delay() -> None:
    """asyncio switches the delay off only where a socket names its protocol; with it an answer takes 40 ms more."""
    with bound(place_of(""), 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
