"""A Patina of one's own to embed at, behind its HTTP door, and a server that says what it is told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from patina.testing import engine
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings


@contextmanager
def in_a_thread(serve: Callable[[asyncio.Event, list[str]], Coroutine[Any, Any, None]]) -> Iterator[str]:
    """An address that is served until the end; the embedder's calls block, so the server has a loop of its own."""
    loop, ready, addresses = asyncio.new_event_loop(), threading.Event(), list[str]()
    over = asyncio.Event()

    async def run() -> None:
        try:
            await serve(over, addresses)
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    while not addresses and thread.is_alive():
        ready.wait(0.01)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def patina_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("remote") / "home"

    async def serve(over: asyncio.Event, addresses: list[str]) -> None:
        async with engine(home) as patina, HttpDoor(HttpSettings()).listen(patina) as (endpoint,):
            addresses.append(str(endpoint))
            await over.wait()

    with in_a_thread(serve) as address:
        yield address


class Stub:
    """Answers each call with the next of what it was given, as (status, headers, body), and the last for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.calls: list[tuple[dict[str, str], dict[str, Any]]] = []
        """Headers and body of each call."""
        self.address = ""

    def next(self) -> tuple[int, dict[str, str], Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def stub() -> Iterator[Stub]:
    held = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            held.calls.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            status, headers, answer = held.next()
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    held.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield held
    server.shutdown()
    thread.join()
    server.server_close()
