"""Patina's own routes, as a plain HTTP client meets them."""

import json
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from patina import __version__, errors, wire
from patina.testing import FakeService
from patina.testing.samples import EVENTS, REPLIES

VECTORS = [np.array([0.6, 0.8], "<f4"), np.array([1 / 3, -0.9428], "<f4")]


def complaint(answer: httpx.Response) -> dict[str, Any]:
    """The one shape of every error."""
    error: dict[str, Any] = answer.json()["error"]
    assert error.keys() == {"message", "hint", "type", "code", "param", "request_id"}
    assert error["message"].endswith(error["hint"] or ".")
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_health_asks_nobody(http: httpx.AsyncClient, service: FakeService) -> None:
    service.gate.clear()
    answer = await http.get("/health")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "version", "uptime_s"}
    assert answer.json()["version"] == __version__
    assert not service.requests


async def test_ready_asks_the_engine(http: httpx.AsyncClient, service: FakeService) -> None:
    assert (await http.get("/ready")).status_code == 200
    assert service.requests == [wire.Ping()]


async def test_a_question_is_answered_in_the_documented_shape(http: httpx.AsyncClient, service: FakeService) -> None:
    answer = await http.post("/api/scry", json={"query": "lamp", "limit": 3, "repos": ["notes"]})
    assert answer.status_code == 200
    assert service.requests == [wire.Scry(query="lamp", limit=3, repos=["notes"])]
    assert answer.json() == msgspec.to_builtins(REPLIES[wire.Scry])
    assert {"hits", "degraded", "took_ms"} <= answer.json().keys()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"query": "lamp", "limit": 0}, "limit"),
        ({"query": "lamp", "limit": 1001}, "limit"),
        ({"query": "lamp", "limit": 10**30}, "limit"),
        ({"query": 7}, "query"),
        ({"qery": "lamp"}, "qery"),
        ({"query": "lamp", "repos": [1]}, "repos[0]"),
    ],
)
async def test_a_wrong_field_is_named(
    http: httpx.AsyncClient, service: FakeService, body: dict[str, Any], param: str
) -> None:
    answer = await http.post("/api/scry", json=body)
    assert answer.status_code == 400
    assert complaint(answer)["param"] == param
    assert not service.requests


async def test_a_bad_mode_lists_the_good_ones(http: httpx.AsyncClient) -> None:
    error = complaint(await http.post("/api/scry", json={"query": "lamp", "mode": "telepathic"}))
    assert error["param"] == "mode"
    assert all(mode in error["hint"] for mode in ("hybrid", "semantic", "lexical", "file"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("The question is empty.", param="query"), 400),
        (errors.NotFound("No collection is named x.", param="repos"), 404),
        (errors.Busy("The queue is full."), 503),
        (errors.Mismatch("Another model made this."), 409),
        (errors.TimedOut("It took too long."), 504),
        (errors.Failed("It broke."), 500),
    ],
)
async def test_an_error_of_the_engine_keeps_its_words(
    http: httpx.AsyncClient, service: FakeService, error: errors.PatinaError, status: int
) -> None:
    service.replies[wire.Scry] = error
    answer = await http.post("/api/scry", json={"query": ""})
    assert answer.status_code == status
    told = complaint(answer)
    assert (told["message"], told["code"], told["param"]) == (error.message, error.code, error.param)
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_bug_is_told_without_its_details(
    http: httpx.AsyncClient, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service.replies[wire.Scry] = property()  # nothing can encode this
    answer = await http.post("/api/scry", json={"query": "lamp"})
    assert answer.status_code == 500
    assert "property" not in answer.text
    assert "Traceback" not in answer.text
    assert complaint(answer)["request_id"] in caplog.text


async def test_where_things_lie_is_not_told(http: httpx.AsyncClient, service: FakeService) -> None:
    """Of the daemon's own files the name is enough; what a client named itself it hears again."""
    hint = "Copy /srv/models/e5/model.onnx again, or see https://patina.example/docs/models."
    service.replies[wire.Scry] = errors.Corrupt("/home/ada/.patina/data/patina.db is damaged.", hint=hint)
    told = complaint(await http.post("/api/scry", json={"query": "lamp"}))
    assert told["message"].startswith("…/patina.db is damaged.")
    assert told["hint"] == "Copy …/model.onnx again, or see https://patina.example/docs/models."
    service.replies[wire.Scry] = errors.NotFound("There is no /srv/notes/a.md.")
    assert complaint(await http.post("/api/scry", json={"query": "lamp"}))["message"] == "There is no /srv/notes/a.md."


async def test_documents_are_taken_in(http: httpx.AsyncClient, service: FakeService) -> None:
    body = {"repo": "notes", "documents": [{"id": "a", "text": "hello"}], "wait": False}
    answer = await http.post("/api/index", json=body)
    assert answer.status_code == 200
    assert service.requests == [
        wire.Index(repo="notes", documents=[wire.InputDocument(id="a", text="hello")], wait=False)
    ]
    assert answer.json()["added"] == REPLIES[wire.Index].added


async def test_one_text_is_embedded(http: httpx.AsyncClient, service: FakeService) -> None:
    service.replies[wire.Embed] = embeddings(1)
    answer = await http.post("/api/embed", json={"text": "lamp", "kind": "passage"})
    assert answer.status_code == 200
    assert service.requests == [wire.Embed(texts=["lamp"], kind="passage")]
    found = answer.json()
    assert (found["dim"], found["model"], found["tokens"]) == (2, "fake", 3)
    assert np.array_equal(np.array(found["vector"], "<f4"), VECTORS[0])


async def test_many_texts_are_embedded_in_order(http: httpx.AsyncClient, service: FakeService) -> None:
    service.replies[wire.Embed] = embeddings(2)
    found = (await http.post("/api/embed/batch", json={"texts": ["one", "two"]})).json()
    assert np.array_equal(np.array(found["vectors"], "<f4"), np.array(VECTORS))
    assert found["tokens"] == [3, 4]
    assert service.requests == [wire.Embed(texts=["one", "two"])]


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [("/api/embed", {"text": ""}, "text"), ("/api/embed", {}, "text"), ("/api/embed/batch", {"texts": []}, "texts")],
)
async def test_nothing_to_embed_is_refused(
    http: httpx.AsyncClient, route: str, body: dict[str, Any], param: str
) -> None:
    answer = await http.post(route, json=body)
    assert answer.status_code == 400
    assert complaint(answer)["param"] == param


async def test_too_many_texts_are_refused_with_the_limit(http: httpx.AsyncClient, service: FakeService) -> None:
    answer = await http.post("/api/embed/batch", json={"texts": ["a"] * 2049})
    assert answer.status_code == 413
    assert "2048" in complaint(answer)["message"]
    assert not service.requests


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("/api/embed", {"text": "a"}, "text"),
        ("/api/embed/batch", {"texts": ["a", "b", "c", "d"]}, "texts[3]"),
        ("/v1/embeddings", {"input": "a"}, "input"),
        ("/v1/embeddings", {"input": ["a", "b", "c", "d"]}, "input[3]"),
    ],
)
async def test_a_bad_text_is_named_as_the_client_knows_it(
    http: httpx.AsyncClient, service: FakeService, route: str, body: dict[str, Any], param: str
) -> None:
    service.replies[wire.Embed] = errors.InvalidRequest("A text is too long.", param="texts[3]")
    assert complaint(await http.post(route, json=body))["param"] == param


async def test_any_request_of_the_wire_goes_through_one_route(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/request", json={"op": "status"})
    assert answer.json() == msgspec.to_builtins(REPLIES[wire.Status])
    unknown = complaint(await http.post("/api/request", json={"op": "statu"}))
    assert "'status'" in unknown["hint"]


async def test_a_stream_is_lines_with_one_last(http: httpx.AsyncClient) -> None:
    body = {"op": "index_paths", "paths": ["/srv"]}
    answer = await http.post("/api/request", json=body, headers={"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [list(line) for line in lines] == [["event"]] * len(EVENTS[wire.IndexPaths]) + [["reply"]]


async def test_a_stream_that_fails_at_once_has_a_status(http: httpx.AsyncClient, service: FakeService) -> None:
    service.replies[wire.Ping] = errors.NotFound("There is nothing.")
    answer = await http.post("/api/request", json={"op": "ping"}, headers={"accept": "application/x-ndjson"})
    assert answer.status_code == 404
    assert complaint(answer)["code"] == "not_found"


async def test_a_stream_that_fails_later_says_so_in_its_last_line(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.replies[wire.Export] = errors.Corrupt("A page is damaged.")
    answer = await http.post("/api/request", json={"op": "export"}, headers={"accept": "application/x-ndjson"})
    assert answer.status_code == 200
    last = json.loads(answer.text.splitlines()[-1])
    assert last["error"]["code"] == "corrupt"


def embeddings(count: int) -> wire.Embeddings:
    return wire.Embeddings(
        model="fake", dimension=2, vectors=[vector.tobytes() for vector in VECTORS[:count]], tokens=[3, 4][:count]
    )
