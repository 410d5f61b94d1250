"""The real model inside the engine: everybody gets the same vectors, and nothing is computed twice."""

from __future__ import annotations

import asyncio
import base64
import os
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import openai
import pytest

from patina import Config, Patina, wire
from patina.errors import PatinaError
from patina.registry import Registry

if TYPE_CHECKING:
    from patina.types import Vector

pytestmark = pytest.mark.model

CACHE = os.environ.get("PATINA_MODEL_CACHE")
JSON = Path(sysconfig.get_path("stdlib")) / "json"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a package of the standard library is indexed and embedded; made once for all tests here."""
    home = tmp_path_factory.mktemp("real") / "home"

    async def fill() -> None:
        async with opened(home) as patina:
            await patina.index_paths([JSON], name="stdlib")

    try:
        Registry.load().embedder("onnx", Config(home=home, model_cache=CACHE)).info  # noqa: B018
    except PatinaError as error:
        pytest.skip(f"needs the default model: {error}")
    asyncio.run(fill())
    return home


def opened(home: Path) -> Patina:
    return Patina(Config(home=home, model_cache=CACHE))


@pytest.fixture
async def patina(home: Path) -> AsyncIterator[Patina]:
    async with opened(home) as running:
        yield running


async def test_everything_is_embedded_and_agrees(patina: Patina) -> None:
    [collection] = (await patina.handle(wire.Status())).collections
    assert collection.chunks > 20
    assert collection.embedded == collection.chunks
    assert collection.model == "multilingual-e5-small"
    assert (await patina.handle(wire.Verify(full=True))).faults == []


async def test_a_second_run_computes_nothing(patina: Patina) -> None:
    [report] = await patina.index_paths([JSON])
    assert (report.repo, report.added, report.changed, report.removed, report.embedded) == ("stdlib", 0, 0, 0, 0)


def numbers(given: list[float] | str) -> Vector:
    """The client decodes what it has asked for by itself, and hands over as it is what it was told to ask for."""
    if isinstance(given, str):
        return np.frombuffer(base64.b64decode(given), dtype="<f4")
    return np.array(given, dtype=np.float32)


async def test_an_openai_client_gets_the_vectors_of_the_library(patina: Patina) -> None:
    texts = ["How are logs rotated?", "Stir the soup."]
    expected = await patina.embed(texts)
    door = patina.registry.door("http", patina.config, port=0)
    async with (
        door.listen(patina) as endpoints,
        openai.AsyncOpenAI(base_url=f"{endpoints[0]}/v1", api_key="none") as client,
    ):
        for format_ in ("float", "base64", openai.omit):
            reply = await client.embeddings.create(
                model="multilingual-e5-small", input=texts, encoding_format=cast("Any", format_)
            )
            got = np.array([numbers(one.embedding) for one in reply.data])
            assert np.array_equal(got, expected)
    assert np.allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-5)


async def test_a_vector_is_the_same_bytes_alone_among_others_and_at_once(patina: Patina) -> None:
    text = "A text whose vector must not depend on its neighbours."
    alone = await patina.embed([text])
    crowds = await asyncio.gather(*(patina.embed([f"neighbour {n} " * n, text, "short"]) for n in range(1, 9)))
    assert all(np.array_equal(crowd[1], alone[0]) for crowd in crowds)
