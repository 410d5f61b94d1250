"""What plugin authors test with, used as they would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import patina.testing
from patina import Offer, Patina, Settings, hookimpl, wire
from patina.protocols import Embedder
from patina.testing import FakeDialer, FakeDoor, FakeEmbedder, FakeNetwork, engine

pytest_plugins = ["patina.testing.fixtures"]


class Plain(Settings, frozen=True, kw_only=True):
    """No settings."""


class Mine:
    """A plugin with an embedder, and a diary of the engine's life."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.embedder = FakeEmbedder(name="mine", dimension=16)

    @hookimpl
    def patina_embedders(self) -> Iterable[Offer[Embedder, Any]]:
        yield Offer(name="mine", config=Plain, build=lambda _: self.embedder, about="Mine")

    @hookimpl
    def patina_lifespan(self, engine: Patina) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def span() -> AsyncIterator[None]:
            self.diary.append(f"begun in {engine.config.home.name}")
            yield
            self.diary.append("ended")

        return span()


async def test_an_engine_answers_without_a_model(patina_home: Path) -> None:
    async with engine(patina_home) as patina:
        await patina.index("notes", [{"id": "a", "text": "The lamp stood there."}, {"id": "b", "text": "Boats sleep."}])
        hits = await patina.scry("lamps standing")
    assert hits.hits[0].path == "a"
    assert set(hits.hits[0].arms) == {"dense", "lexical"}
    assert hits.degraded is None


async def test_a_plugin_is_handed_in_and_used(patina_home: Path) -> None:
    mine = Mine()
    async with engine(patina_home, {"mine": mine}, embedder="mine") as patina:
        await patina.index("notes", [{"id": "a", "text": "The lamp stood there."}])
        assert (await patina.embed(["lamp"])).shape == (1, 16)
    assert mine.embedder.texts == 2
    assert mine.diary == ["begun in home", "ended"]


async def test_the_engine_speaks_through_a_fake_door(patina_home: Path) -> None:
    network = FakeNetwork()
    async with (
        engine(patina_home) as patina,
        FakeDoor(network).listen(patina) as [endpoint],
        FakeDialer(network).connect(endpoint, None) as connection,
    ):
        reports = await connection.handle(wire.Index(repo="notes", documents=[wire.InputDocument(text="lamp", id="a")]))
        chunks = [event async for event in connection.stream(wire.Export())]
    assert reports.added == 1
    assert [type(event) for event in chunks] == [wire.ExportedChunk, wire.Exported]


def test_every_public_name_is_there() -> None:
    assert all(getattr(patina.testing, name) for name in patina.testing.__all__)
    assert dir(patina.testing) == sorted(patina.testing.__all__)
    with pytest.raises(AttributeError, match="FakeOracle"):
        getattr(patina.testing, "FakeOracle")  # noqa: B009


def test_fakes_do_not_need_pytest() -> None:
    program = """
import sys
sys.modules["pytest"] = None
from patina.testing import FakeDeployer, FakeDialer, FakeDoor, FakeEmbedder, FakeIndex, FakePlugin, FakeService, engine
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
