"""The interfaces of Ollama and of Text Embeddings Inference, over a real engine with the fake model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from patina import Patina
from patina.config import Config, ModelSettings
from patina.testing import FakeEmbedder
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings

LONG = "word " * 600


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    config = Config(home=tmp_path / "home", models=ModelSettings(aliases={"nomic-embed-text": "fake"}))
    async with Patina(config, embedder=FakeEmbedder()) as running:
        yield running


@pytest.fixture
async def http(patina: Patina) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        HttpDoor(HttpSettings()).listen(patina) as (endpoint,),
        httpx.AsyncClient(base_url=str(endpoint), timeout=30, verify=False) as client,  # noqa: S501 - plain HTTP
    ):
        yield client


async def answered(http: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def same(numbers: list[list[float]], vectors: Any) -> bool:
    """Whether they are the same float32."""
    return np.array_equal(np.array(numbers, np.float32), vectors)


async def test_the_body_tells_whose_embed_it_is(http: httpx.AsyncClient, patina: Patina) -> None:
    expected = await patina.embed(["a lamp"])
    ours = await answered(http, "/api/embed", {"text": "a lamp"})
    theirs = await answered(http, "/api/embed", {"model": "fake", "input": "a lamp"})
    assert same([ours["vector"]], expected)
    assert same(theirs["embeddings"], expected)
    assert (theirs["model"], theirs["prompt_eval_count"]) == ("fake", ours["tokens"])


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ({"input": ""}, True),
        ({"input": [], "model": "fake"}, True),
        ({"input": ["a", ""], "model": "fake"}, True),
        ({"input": "a", "model": "fake", "dimensions": 65}, True),
        ({"input": "a", "model": "fake", "truncate": "no"}, True),
        ({"text": ""}, False),
        ({"text": "a", "input": "a"}, False),
        ({"model": "fake"}, False),
        ([], False),
        ("text", False),
    ],
)
async def test_what_is_wrong_is_told_in_the_shape_of_whoever_asks(
    http: httpx.AsyncClient, body: Any, plain: bool
) -> None:
    answer = await http.post("/api/embed", json=body)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str) is plain


async def test_ollamas_clients_get_lists_cut_texts_and_shorter_vectors(http: httpx.AsyncClient, patina: Patina) -> None:
    texts = ["a lamp", LONG, "bread"]
    found = await http.post("/api/embed", json={"model": "nomic-embed-text:latest", "input": texts, "dimensions": 60})
    assert found.headers["x-truncated-inputs"] == "1"
    vectors = np.array(found.json()["embeddings"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    whole = (await patina.embed(["bread"]))[0, :60]
    assert vectors[2] == pytest.approx(whole / np.linalg.norm(whole), abs=1e-6)
    uncut = await http.post("/api/embed", json={"model": "fake", "input": texts, "truncate": False})
    assert (uncut.status_code, "tokens" in uncut.json()["error"]) == (400, True)


async def test_ollamas_older_route_takes_one_text(http: httpx.AsyncClient, patina: Patina) -> None:
    found = await answered(http, "/api/embeddings", {"model": "fake", "prompt": "a lamp"})
    assert found.keys() == {"embedding"}
    assert same([found["embedding"]], await patina.embed(["a lamp"]))


async def test_ollamas_lists_name_models_and_what_is_loaded(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/ps")).json() == {"models": []}
    await answered(http, "/api/embed", {"model": "fake", "input": "a lamp"})
    tags = (await http.get("/api/tags")).json()["models"]
    assert [model["name"] for model in tags][:2] == ["fake", "nomic-embed-text"]
    assert [model["model"] for model in (await http.get("/api/ps")).json()["models"]] == ["fake"]
    assert (await http.get("/api/version")).json().keys() == {"version"}


async def test_an_unknown_model_is_a_plain_404_to_ollamas_clients(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/embed", json={"model": "llama3", "input": "a"})
    assert answer.status_code == 404
    assert 'aliases = { "llama3" = "fake" }' in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/embed"])
async def test_tei_answers_with_a_list_of_vectors(http: httpx.AsyncClient, patina: Patina, path: str) -> None:
    texts = ["a lamp", "bread"]
    expected = await patina.embed(texts)
    assert same(await answered(http, path, {"inputs": texts}), expected)
    one = {"inputs": "a lamp", "normalize": True, "truncate": False, "prompt_name": "query"}
    assert same(await answered(http, path, one), expected[:1])
    assert len((await answered(http, path, {"inputs": LONG, "truncate": True, "prompt_name": "passage"}))[0]) == 64


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ""},
        {"inputs": []},
        {},
        {"inputs": LONG},
        {"inputs": "a", "normalize": False},
        {"inputs": "a", "truncate": True, "truncation_direction": "Left"},
        {"inputs": "a", "prompt_name": "title"},
    ],
)
async def test_what_tei_cannot_have_is_refused_plainly(http: httpx.AsyncClient, body: Any) -> None:
    answer = await http.post("/embed", json=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "error_type"}
    assert isinstance(answer.json()["error"], str)
