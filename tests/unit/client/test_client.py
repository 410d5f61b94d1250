"""Connecting, and asking through a client."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patina import TransportOffer, hookimpl, wire
from patina.client import Client, connect, endpoint_of
from patina.config import Config
from patina.errors import ConfigError, InvalidRequest, Unavailable
from patina.hookspecs import Settings
from patina.registry import Registry
from patina.testing import FakeDialer, FakeDoor, FakeNetwork, FakeService
from patina.testing.samples import EVENTS, REPLIES
from patina.types import Endpoint, Secret


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("box", Endpoint("http", "box:50051")),
        ("box:80", Endpoint("http", "box:80")),
        ("box:", Endpoint("http", "box:50051")),
        (" 192.0.2.1 ", Endpoint("http", "192.0.2.1:50051")),
        ("::1", Endpoint("http", "[::1]:50051")),
        ("[::1]:99", Endpoint("http", "[::1]:99")),
        ("[::1]", Endpoint("http", "[::1]:50051")),
        ("http://box", Endpoint("http", "box")),
        ("https://box.example/patina/", Endpoint("https", "box.example/patina")),
        ("HTTP://box:1", Endpoint("http", "box:1")),
        ("carrier+pigeon://loft", Endpoint("carrier+pigeon", "loft")),
        ("unix:/run/p.sock", Endpoint("unix", "/run/p.sock")),
        ("unix:///run/p.sock", Endpoint("unix", "/run/p.sock")),
    ],
)
def test_an_address_as_a_person_writes_it(text: str, endpoint: Endpoint) -> None:
    assert endpoint_of(text) == endpoint
    assert endpoint_of(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text", ["", "a b", "box:port", "box:0", "box:65536", "box:1:2", "unix:p.sock", "unix:", "http://", "/run/p.sock"]
)
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        endpoint_of(text)
    assert repr(text.strip()) in caught.value.message
    assert "host:port" in caught.value.hint


class Dialling:
    """A plugin whose transport is a `FakeNetwork`."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network

    @hookimpl
    def patina_transports(self) -> Sequence[TransportOffer[Settings]]:
        offer = TransportOffer(name="fake", config=Settings, dial=lambda _: FakeDialer(self.network), schemes=("fake",))
        return [offer]


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@asynccontextmanager
async def reached(service: FakeService, how: str, home: Path) -> AsyncIterator[Client]:
    network = FakeNetwork()
    registry = Registry.load(extra={"fake": Dialling(network)}, entry_points=[])
    async with FakeDoor(network).listen(service) as (endpoint,):
        target: Any = {"in process": service, "endpoint": endpoint, "text": f"fake://{endpoint.address}"}.get(how)
        config = Config(home=home, mothership=f"fake://{endpoint.address}")
        async with connect(target, config=config, registry=registry, key="k") as client:
            yield client


@pytest.mark.parametrize("how", ["in process", "endpoint", "text", "mothership"])
async def test_a_client_is_the_same_however_it_is_reached(how: str, service: FakeService, tmp_path: Path) -> None:
    async with reached(service, how, tmp_path) as client:
        assert await client.ping() == REPLIES[wire.Ping]
        assert await client.status() == REPLIES[wire.Status]
        assert await client.models() == REPLIES[wire.Models].models
        assert await client.scry("lamp", limit=3) == REPLIES[wire.Scry]
        assert await client.verify(["notes"], full=True) == REPLIES[wire.Verify]
        assert await client.rebuild("notes") == REPLIES[wire.Rebuild]
        assert await client.shutdown() == REPLIES[wire.Shutdown]
        assert await client.index("notes", [{"id": "a", "text": "hello"}], wait=False) == REPLIES[wire.Index]
        assert await client.index_paths(["/srv/a", Path("/srv/b")], name="n", strict=True) == [REPLIES[wire.Index]]
        assert [chunk async for chunk in client.export(["notes"])] == list(EVENTS[wire.Export])
        told = [event async for event in client.stream(wire.IndexPaths(paths=["/srv"]))]
        assert told == [*EVENTS[wire.IndexPaths], REPLIES[wire.IndexPaths]]
    assert service.requests[3] == wire.Scry(query="lamp", limit=3)
    assert service.requests[7] == wire.Index(
        repo="notes", documents=[wire.InputDocument(id="a", text="hello")], wait=False
    )
    assert service.requests[8] == wire.IndexPaths(paths=["/srv/a", "/srv/b"], name="n", strict=True)
    assert service.callers[0].origin == ("local" if how == "in process" else "fake")


async def test_vectors_come_as_an_array(service: FakeService, tmp_path: Path) -> None:
    async with reached(service, "endpoint", tmp_path) as client:
        vectors = await client.embed(["one", "two"], kind="passage")
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, 2)
    assert vectors.tobytes() == b"".join(REPLIES[wire.Embed].vectors)
    assert service.requests == [wire.Embed(texts=["one", "two"], kind="passage")]


async def test_paths_are_made_absolute(service: FakeService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with connect(service) as client:
        await client.index_paths(["src"])
    assert service.requests == [wire.IndexPaths(paths=[str(tmp_path / "src")])]


async def test_a_document_with_an_unknown_field_is_refused(service: FakeService) -> None:
    async with connect(service) as client:
        with pytest.raises(InvalidRequest):
            await client.index("notes", [{"text": "hello", "colour": "red"}])
    assert not service.requests


async def test_a_key_reaches_the_dialer(service: FakeService, tmp_path: Path) -> None:
    async with reached(service, "endpoint", tmp_path) as client:
        await client.ping()
    assert service.callers[0].name == "keyed"


async def test_without_a_target_it_is_this_homes_daemon(tmp_path: Path) -> None:
    socket = tmp_path / "p.sock"
    with pytest.raises(Unavailable, match=str(socket)) as caught:
        async with connect(config=Config(home=tmp_path, socket=socket)):
            pass
    assert caught.value.outcome.exit_code == 3


async def test_an_unknown_scheme_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        async with connect("gopher://box", config=Config(home=tmp_path)):
            pass
    assert {"http", "unix"} <= set(caught.value.hint.replace(",", " ").replace(".", " ").split())


def test_a_key_is_not_shown() -> None:
    assert "s3cret" not in repr(Secret("s3cret"))


def test_a_client_of_a_daemon_imports_neither_server_nor_numbers() -> None:
    code = (
        "import sys, asyncio, patina\n"
        "async def main():\n"
        "    try:\n"
        "        async with patina.connect('unix:/no/p.sock', config=patina.Config(home='/no')): pass\n"
        "    except Exception as error: assert type(error).__name__ == 'Unavailable', error\n"
        "asyncio.run(main())\n"
        "heavy = {'numpy', 'litestar', 'uvicorn', 'onnxruntime', 'hnswlib', 'tantivy', 'patina.engine'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
