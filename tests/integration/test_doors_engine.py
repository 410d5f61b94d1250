"""A real engine behind its doors: one question, one text, one answer, however they come in."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from patina import Patina, wire
from patina.client import Client, connect
from patina.config import Config
from patina.errors import ModelNotFound, NotFound, PatinaError
from patina.testing import FakeEmbedder

TEXTS = {
    "lamp.md": "# Lamps\n\nA lamp lights the room when the sun has set.",
    "bread.md": "# Bread\n\nBread is baked from flour, water and salt in a hot oven.",
    "sea.md": "# The sea\n\nThe sea is salt water, and deep.",
}


class House:
    """An engine with both doors open, and clients on every way in."""

    def __init__(self, patina: Patina, clients: dict[str, Client], http: httpx.AsyncClient) -> None:
        self.patina = patina
        self.clients = clients
        self.http = http


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p-")))
        config = Config(home=home, socket=home / "p.sock")
        patina = await stack.enter_async_context(Patina(config, embedder=FakeEmbedder()))
        clients = {"python": await stack.enter_async_context(connect(patina))}
        for name, overrides in {"unix": {}, "http": {"port": 0}}.items():
            door = patina.registry.door(name, config, **overrides)
            (endpoint,) = await stack.enter_async_context(door.listen(patina))
            clients[name] = await stack.enter_async_context(connect(endpoint, config=config, registry=patina.registry))
        http = httpx.AsyncClient(base_url=str(endpoint), timeout=30, verify=False)  # noqa: S501 - plain HTTP
        yield House(patina, clients, await stack.enter_async_context(http))


async def test_a_question_has_one_answer(house: House) -> None:
    documents = [{"path": path, "text": text} for path, text in TEXTS.items()]
    report = await house.clients["unix"].index("notes", documents)
    assert report.added == len(TEXTS)
    answers = {name: (await client.scry("salt water", explain=True)).hits for name, client in house.clients.items()}
    plain = (await house.http.post("/api/scry", json={"query": "salt water", "explain": True})).json()["hits"]
    assert answers["unix"] == answers["http"] == answers["python"]
    assert [(hit["id"], hit["score"]) for hit in plain] == [(hit.id, hit.score) for hit in answers["python"]]
    assert plain[0]["path"] == "sea.md"


async def test_a_text_has_one_vector(house: House) -> None:
    vectors = {name: await client.embed(["a lamp"], kind="query") for name, client in house.clients.items()}
    assert len({vector.tobytes() for vector in vectors.values()}) == 1
    model = (await house.clients["python"].models())[0].name
    async with openai.AsyncOpenAI(base_url=str(house.http.base_url.join("/v1")), api_key="none") as client:
        packed = (await client.embeddings.create(input="a lamp", model=model)).data[0].embedding
        plain = (await client.embeddings.create(input="a lamp", model=model, encoding_format="float")).data[0].embedding
    assert np.array_equal(np.array(packed, "<f4"), vectors["python"][0])
    assert np.array_equal(np.array(plain, "<f4"), vectors["python"][0])


async def test_an_export_is_the_same_stream(house: House) -> None:
    await house.clients["http"].index("notes", [{"path": path, "text": text} for path, text in TEXTS.items()])
    chunks = {name: [chunk async for chunk in client.export()] for name, client in house.clients.items()}
    assert chunks["unix"] == chunks["http"] == chunks["python"]
    assert {chunk.path for chunk in chunks["unix"]} == set(TEXTS)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (wire.Scry(query=""), PatinaError),
        (wire.Scry(query="lamp", repos=["nowhere"]), NotFound),
        (wire.Embed(texts=["a"], model="nothing"), ModelNotFound),
        (wire.Embed(texts=[""]), PatinaError),
        (wire.Embed(texts=["a", "long " * 100_000]), PatinaError),
        (wire.IndexPaths(paths=["/no/such/path"]), PatinaError),
    ],
)
async def test_an_error_is_the_same_error(house: House, request_: wire.AnyRequest, kind: type[PatinaError]) -> None:
    seen = set()
    for client in house.clients.values():
        with pytest.raises(kind) as caught:
            await client.handle(request_)
        seen.add((type(caught.value), caught.value.message, caught.value.hint, caught.value.param))
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("route", "body", "status", "param"),
    [
        ("/api/scry", {"query": ""}, 400, "query"),
        ("/api/scry", {"query": "lamp", "repos": ["nowhere"]}, 404, "repos"),
        ("/api/scry", {"query": "lamp", "mode": "file"}, 400, "file"),
        ("/v1/embeddings", {"input": "a", "model": "nothing"}, 404, "model"),
        ("/v1/embeddings", {"input": ["a", "long " * 100_000]}, 400, "input[1]"),
        ("/api/index", {"repo": "../x", "documents": [{"text": "a"}]}, 400, None),
    ],
)
async def test_bad_input_is_the_clients_fault(
    house: House, route: str, body: dict[str, object], status: int, param: str | None
) -> None:
    answer = await house.http.post(route, json=body)
    assert answer.status_code == status, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param
