"""How often somebody may ask, and that nobody pays for another; and readers who do not read."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from patina import wire
from patina.access import KeyRing
from patina.errors import RateLimited
from patina.testing import FakeService
from patina.testing.samples import REPLIES
from patina_http.buckets import MAX_BUCKETS, Buckets, network_of

Exchange = Callable[[httpx.AsyncClient, bytes], Awaitable[bytes]]
Opened = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

JSON = {"content-type": "application/json"}
QUESTION = b'{"query":"lamp"}'
LARGE = 40_000_000
"""Bytes of an answer: more than the system keeps for a reader that does not read."""


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, name: str, times: int) -> int:
    """How many of so many requests get through."""
    through = 0
    for _ in range(times):
        try:
            buckets.take(name)
        except RateLimited:
            continue
        through += 1
    return through


def test_a_bucket_is_filled_steadily_and_never_over() -> None:
    clock = Clock()
    buckets = Buckets(10.0, 5, clock)
    assert taken(buckets, "a", 25) == 5
    clock.now += 0.25
    assert taken(buckets, "a", 25) == 2
    clock.now += 3600
    assert taken(buckets, "a", 25) == 5


def test_who_must_wait_is_told_how_long() -> None:
    clock = Clock()
    buckets = Buckets(0.5, 1, clock)
    buckets.take("a")
    with pytest.raises(RateLimited) as limited:
        buckets.take("a")
    assert limited.value.retry_after_s == pytest.approx(2.0)
    clock.now += limited.value.retry_after_s or 0
    buckets.take("a")


def test_nobody_pays_for_another() -> None:
    buckets = Buckets(1.0, 3, Clock())
    assert taken(buckets, "a", 100) == 3
    assert taken(buckets, "b", 3) == 3


def test_no_rate_is_no_limit() -> None:
    assert taken(Buckets(0.0, 1), "a", 1000) == 1000


def test_buckets_are_bounded() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 1, clock)
    for number in range(2 * MAX_BUCKETS):
        buckets.take(str(number))
    assert len(buckets) == MAX_BUCKETS
    assert taken(buckets, str(2 * MAX_BUCKETS - 1), 1) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_count_for_their_owner(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_a_burst_is_stopped_and_told_when_to_come_again(opened: Opened, service: FakeService) -> None:
    async with opened(requests_per_s=0.5, request_burst=10) as http:
        answers = [await http.post("/api/scry", content=QUESTION, headers=JSON) for _ in range(50)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 40
    assert answers[-1].json()["error"]["code"] == "rate_limited"
    assert answers[-1].json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    assert len(service.requests) == 10


async def test_one_key_does_not_starve_another_at_the_same_address(opened: Opened, tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "data")
    greedy, modest = (ring.create(name, ("read",))[1].reveal() for name in ("greedy", "modest"))

    async def asked(key: str, times: int) -> list[int]:
        headers = JSON | {"authorization": f"Bearer {key}"}
        return [(await http.post("/api/scry", content=QUESTION, headers=headers)).status_code for _ in range(times)]

    async with opened(home=str(tmp_path), require_key=True, requests_per_s=0.001, request_burst=4) as http:
        assert await asked(greedy, 8) == [200] * 4 + [429] * 4
        assert await asked("pat_wrong", 8) == [401] * 4 + [429] * 4
        assert await asked(modest, 4) == [200] * 4


async def test_what_a_request_says_of_its_origin_is_not_believed(opened: Opened) -> None:
    async with opened(requests_per_s=0.001, request_burst=2) as http:
        statuses = [
            (await http.get("/v1/models", headers={"x-forwarded-for": f"192.0.2.{number}"})).status_code
            for number in range(4)
        ]
    assert statuses == [401, 401, 429, 429]


# -- readers ----------------------------------------------------------------------------------------------------------


def asked_for_much(service: FakeService) -> bytes:
    """The head of a question whose answer is large."""
    hits = REPLIES[wire.Scry]
    large = replace(hits, hits=[replace(hits.hits[0], text="a" * LARGE)])
    service.replies[wire.Scry] = large
    lines = "Host: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"POST /api/scry HTTP/1.1\r\n{lines}Content-Length: {len(QUESTION)}\r\n\r\n".encode() + QUESTION


def slow(http: httpx.AsyncClient) -> socket.socket:
    """A connection that the system keeps little for."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    line.setblocking(False)
    line.connect_ex((http.base_url.host, http.base_url.port))
    return line


async def test_who_does_not_read_is_cut_off(opened: Opened, service: FakeService, exchange: Exchange) -> None:
    async with opened(read_timeout_s=0.2, max_connections=1) as http:
        probe = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with slow(http) as line:
            await asyncio.get_running_loop().sock_sendall(line, asked_for_much(service))
            async with asyncio.timeout(20):
                assert (await exchange(http, probe)).startswith(b"HTTP/1.1 503 ")  # it still holds the only place
                while not (await exchange(http, probe)).startswith(b"HTTP/1.1 200 "):
                    await asyncio.sleep(0.05)


async def test_who_reads_slowly_gets_it_all(opened: Opened, service: FakeService) -> None:
    """So slowly that the system takes nothing more from the daemon for longer than that; still it takes."""
    async with opened(read_timeout_s=1.0) as http:
        with slow(http) as line:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(line, asked_for_much(service))
            got, begun = 0, loop.time()
            while part := await loop.sock_recv(line, 1 << 20):
                got += len(part)
                if loop.time() < begun + 4:
                    await asyncio.sleep(0.2)
    assert got > LARGE
