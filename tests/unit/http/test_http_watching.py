"""What is counted, as Prometheus reads it, and the cache of vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from patina import Patina
from patina.testing import engine
from patina_http.door import HttpDoor
from patina_http.settings import HttpSettings

TEXTS = ["Where are the ships?", "Who bakes the bread?"]


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with engine(tmp_path / "home") as running:
        yield running


@pytest.fixture
async def http(patina: Patina) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        HttpDoor(HttpSettings()).listen(patina) as (endpoint,),
        httpx.AsyncClient(base_url=str(endpoint), timeout=30, verify=False) as client,  # noqa: S501 - to skip loading certificates
    ):
        yield client


async def counted(http: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """By name and labels."""
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def labels(**named: str) -> frozenset[tuple[str, str]]:
    return frozenset(named.items())


async def test_requests_texts_and_lookups_are_counted(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await http.post("/v1/embeddings", json={"input": TEXTS})).is_success
    assert (await http.post("/api/scry", json={"query": " "})).status_code == 400
    found = await counted(http)
    assert found["patina_requests_total", labels(request="Embed", outcome="ok")] == 2
    assert found["patina_requests_total", labels(request="Scry", outcome="invalid_request")] == 1
    assert found["patina_texts_total", labels(model="fake", outcome="computed")] == 2
    assert found["patina_cache_lookups_total", labels(outcome="hit")] == 2
    assert found["patina_queue_seconds_count", labels(model="fake", lane="request")] == 1
    assert found["patina_request_seconds_bucket", labels(request="Embed", le="+Inf")] == 2
    assert found["patina_resident_bytes", labels()] > 1 << 20


async def test_what_was_computed_is_in_the_cache_until_it_is_cleared(http: httpx.AsyncClient) -> None:
    warmed = (await http.post("/api/cache/warm", json={"texts": TEXTS})).json()
    assert (warmed["entries"], warmed["misses"]) == (2, 2)
    await http.post("/v1/embeddings", json={"input": TEXTS[0]})
    assert (await http.get("/api/cache")).json()["hits"] == 1
    assert (await http.delete("/api/cache")).json()["entries"] == 2
    assert (await http.get("/api/cache")).json()["entries"] == 0


@pytest.mark.parametrize("texts", [[], ["x"] * 1001])
async def test_what_cannot_be_warmed_names_the_field(http: httpx.AsyncClient, texts: list[str]) -> None:
    answer = await http.post("/api/cache/warm", json={"texts": texts})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "texts"


async def test_how_a_model_is_can_be_seen_without_loading_it(http: httpx.AsyncClient) -> None:
    before = (await http.get("/api/model")).json()
    assert (before["name"], before["loaded"], before["last_used"], before["unloads_at"]) == ("fake", False, None, None)
    await http.post("/v1/embeddings", json={"input": TEXTS})
    after = (await http.get("/api/model", params={"name": "fake"})).json()
    assert after["loaded"]
    assert after["unloads_at"] - after["last_used"] == pytest.approx(300, abs=5)
    assert (await http.get("/api/models")).json()["models"][0]["name"] == "fake"
    assert (await http.get("/api/model", params={"name": "nothing"})).status_code == 404
