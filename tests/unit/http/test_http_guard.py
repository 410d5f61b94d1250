"""What the door turns away before it asks anybody."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from patina.testing import FakeService
from patina_http.checks import host_name

JSON = {"content-type": "application/json"}
QUESTION = b'{"query":"lamp"}'

Exchange = Callable[[httpx.AsyncClient, bytes], Awaitable[bytes]]
Until = Callable[[Callable[[], object]], Awaitable[None]]
Opened = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def head(method: str = "POST", path: str = "/api/scry", host: str = "localhost", **headers: str) -> bytes:
    given = {"Host": host, "Content-Type": "application/json", "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def code(answer: httpx.Response) -> Any:
    error = answer.json()["error"]
    assert error["request_id"] == answer.headers["x-request-id"]
    return error["code"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "192.0.2.1"])
@pytest.mark.parametrize("path", ["/health", "/nowhere"])
async def test_a_foreign_host_is_misdirected_on_every_path(http: httpx.AsyncClient, host: str, path: str) -> None:
    answer = await http.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert code(answer) == "host_not_allowed"


@pytest.mark.parametrize("host", ["LOCALHOST:99", "[::1]:8080", "127.0.0.1", "localhost"])
async def test_this_machine_has_several_names(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/health", headers={"host": host})).status_code == 200


async def test_a_host_may_be_allowed(opened: Opened) -> None:
    async with opened(allow_hosts=("host.docker.internal",)) as http:
        answer = await http.get("/health", headers={"host": "host.docker.internal:50051"})
        assert answer.status_code == 200


@pytest.mark.parametrize("lines", [b"", b"Host: localhost\r\nHost: localhost\r\n"])
async def test_a_request_has_one_host(http: httpx.AsyncClient, exchange: Exchange, lines: bytes) -> None:
    answer = await exchange(http, b"GET /health HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
async def test_web_pages_from_elsewhere_are_refused(http: httpx.AsyncClient, service: FakeService, origin: str) -> None:
    answer = await http.post("/api/scry", content=QUESTION, headers=JSON | {"origin": origin})
    assert answer.status_code == 403
    assert code(answer) == "origin_not_allowed"
    preflight = await http.options("/api/scry", headers={"origin": origin, "access-control-request-method": "POST"})
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    assert not service.requests


async def test_a_page_of_our_own_may_ask(http: httpx.AsyncClient) -> None:
    origin = {"origin": str(http.base_url).rstrip("/")}
    assert (await http.post("/api/scry", content=QUESTION, headers=JSON | origin)).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json;charset=latin-1", ""]
)
async def test_only_json_is_read(http: httpx.AsyncClient, service: FakeService, kind: str) -> None:
    answer = await http.post("/api/scry", content=QUESTION, headers={"content-type": kind} if kind else {})
    assert answer.status_code == 415
    assert not service.requests


async def test_a_compressed_body_is_not_inflated(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/scry", content=QUESTION, headers=JSON | {"content-encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"filter":' + b'{"metadata":' * 100_000,
        b'{"query":"\xff"}',
        b'{"query":"\\ud800"}',
        b'{"query":"\\udc00x"}',
        b'{"query":"a","limit":1e400}',
        b'{"query":"a","limit":' + b"9" * 5000 + b"}",
        b'{"query":"a',
        b'{"query":"a"} trailing',
        b"null",
        b"\x00",
    ],
)
@pytest.mark.parametrize("path", ["/api/scry", "/api/request", "/v1/embeddings", "/api/embed"])
async def test_broken_json_is_the_clients_fault(http: httpx.AsyncClient, body: bytes, path: str) -> None:
    answer = await http.post(path, content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert code(answer) == "invalid_request"


async def test_a_deep_bomb_in_any_value_is_the_clients_fault(http: httpx.AsyncClient) -> None:
    bomb = b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = await http.post("/v1/embeddings", content=bomb, headers=JSON)
    assert answer.status_code == 400
    assert "deeply" in answer.json()["error"]["message"]


async def test_a_large_body_is_refused_by_its_length(opened: Opened) -> None:
    async with opened(max_body_bytes=2048) as http:
        answer = await http.post("/api/scry", content=b" " * 5000, headers=JSON)
        assert answer.status_code == 413
        assert "2048" in answer.json()["error"]["message"]
        assert (await http.post("/api/scry", content=QUESTION, headers=JSON)).status_code == 200


async def test_a_large_body_is_refused_while_it_comes_in_chunks(opened: Opened, service: FakeService) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 1000

    async with opened(max_body_bytes=2048) as http:
        answer = await http.post("/api/scry", content=pieces(), headers=JSON)
        assert answer.status_code == 413
        assert code(answer) == "too_large"
    assert not service.requests


async def test_a_body_that_drips_is_given_up(opened: Opened, exchange: Exchange) -> None:
    async with opened(body_timeout_s=0.2) as http:
        answer = await exchange(http, head(Content_Length="1000") + b"{")
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_drips_is_given_up(opened: Opened, exchange: Exchange) -> None:
    async with opened(head_timeout_s=0.2) as http:
        answer = await exchange(http, b"GET /health HTTP/1.1\r\nHost: loc")
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_who_says_nothing_is_sent_away(opened: Opened, exchange: Exchange) -> None:
    async with opened(head_timeout_s=0.2) as http:
        assert (await exchange(http, b"")).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("extra", [{"X-Long": "a" * 40_000}, {f"X-{number}": "a" for number in range(300)}])
async def test_a_large_head_is_refused(http: httpx.AsyncClient, exchange: Exchange, extra: dict[str, str]) -> None:
    answer = await exchange(http, head("GET", "/health", **extra))
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_head_without_end_is_refused(http: httpx.AsyncClient, exchange: Exchange) -> None:
    answer = await exchange(http, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 100_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "sent",
    [
        head(Content_Length="2", Transfer_Encoding="chunked") + b"{}",
        b"POST /api/scry HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        head(Content_Length="-1"),
        b"GET /health HTTP/1.1\nHost: localhost\n\n",
        b"not HTTP at all\r\n\r\n",
    ],
)
async def test_ambiguous_requests_are_refused(http: httpx.AsyncClient, exchange: Exchange, sent: bytes) -> None:
    answer = await exchange(http, sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":{' in answer


async def test_an_unknown_path_and_a_wrong_method_have_the_one_shape(http: httpx.AsyncClient) -> None:
    unknown = await http.get("/nowhere")
    assert (unknown.status_code, code(unknown)) == (404, "route_not_found")
    wrong = await http.get("/api/scry")
    assert (wrong.status_code, code(wrong)) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["allow"]


async def test_every_answer_has_an_id_and_the_usual_headers(http: httpx.AsyncClient) -> None:
    own = await http.get("/health", headers={"x-request-id": "build-7"})
    assert own.headers["x-request-id"] == "build-7"
    assert own.headers["x-content-type-options"] == "nosniff"
    assert own.headers["x-frame-options"] == "DENY"
    first, second = await http.get("/health", headers={"x-request-id": "no good"}), await http.get("/nowhere")
    assert first.headers["x-request-id"] not in {"no good", "", second.headers["x-request-id"]}


async def test_too_many_requests_at_once_are_turned_away(opened: Opened, service: FakeService, until: Until) -> None:
    service.gate.clear()
    async with opened(max_requests=1) as http:
        first = asyncio.create_task(http.post("/api/scry", content=QUESTION, headers=JSON))
        await until(lambda: service.requests)
        second = await http.post("/api/scry", content=QUESTION, headers=JSON)
        assert (second.status_code, code(second)) == (503, "busy")
        assert "retry-after" in second.headers
        service.gate.set()
        assert (await first).status_code == 200


async def test_too_many_connections_are_turned_away(opened: Opened, exchange: Exchange) -> None:
    async with opened(max_connections=1) as http:
        await http.get("/health")  # keeps its connection
        answer = await exchange(http, head("GET", "/health"))
        assert answer.startswith(b"HTTP/1.1 503 ")


async def test_a_client_that_leaves_ends_its_question(
    http: httpx.AsyncClient, service: FakeService, until: Until
) -> None:
    service.gate.clear()
    asking = asyncio.create_task(http.post("/api/scry", content=QUESTION, headers=JSON))
    await until(lambda: service.requests)
    asking.cancel()
    await until(lambda: service.cancelled)


async def test_an_answer_that_takes_too_long_is_given_up(opened: Opened, service: FakeService) -> None:
    service.gate.clear()
    async with opened(request_timeout_s=0.1) as http:
        answer = await http.post("/api/scry", content=QUESTION, headers=JSON)
        assert (answer.status_code, code(answer)) == (504, "timed_out")
    assert service.cancelled == 1


@pytest.mark.parametrize(
    ("host", "name"),
    [("LOCALHOST:99", "localhost"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a.b", "a.b"), ("", ""), (":80", "")],
)
def test_host_names(host: str, name: str) -> None:
    assert host_name(host) == name
