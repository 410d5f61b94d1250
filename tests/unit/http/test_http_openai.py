"""The /v1 routes, asked by OpenAI's own client."""

import base64
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from patina import wire
from patina.errors import Busy, Failed, InvalidRequest, Locked, ModelNotFound, PatinaError
from patina.testing import FakeService
from patina.wire import Caller

DIMENSION = 4
LONG = "a text that is too long for the model"

Opened = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Embedding(FakeService):
    """Gives each text a vector of its own, so that order shows."""

    async def handle(self, request: wire.Request[Any], caller: Caller) -> Any:
        if isinstance(request, wire.Embed) and wire.Embed not in self.changed:
            self.requests.append(request)
            return wire.Embeddings(
                model="small",
                dimension=DIMENSION,
                vectors=[vector_of(text).tobytes() for text in request.texts],
                tokens=[len(text) + 2 for text in request.texts],
                truncated=[place for place, text in enumerate(request.texts) if text == LONG],
            )
        return await super().handle(request, caller)

    @property
    def changed(self) -> set[type]:
        return {kind for kind, reply in self.replies.items() if isinstance(reply, Exception)}


def vector_of(text: str) -> Any:
    numbers = np.random.default_rng(len(text)).standard_normal(DIMENSION)
    return (numbers / np.linalg.norm(numbers)).astype("<f4")


@pytest.fixture
def service() -> FakeService:
    models = [
        wire.ModelEntry(name="small", dimension=DIMENSION, max_tokens=512, created=7, default=True, loaded=False),
        wire.ModelEntry(
            name="org/large", dimension=8, max_tokens=64, created=8, default=False, loaded=True, aliases=["ada"]
        ),
    ]
    return Embedding({wire.Models: wire.ModelList(models=models)})


@pytest.fixture
async def client(http: httpx.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=str(http.base_url.join("/v1")), api_key="none", max_retries=0) as client:
        yield client


async def test_a_string(client: openai.AsyncOpenAI, service: FakeService) -> None:
    found = await client.embeddings.create(input="lamp", model="small")
    assert np.array_equal(np.array(found.data[0].embedding, "<f4"), vector_of("lamp"))
    assert (found.object, found.model, found.data[0].index, found.data[0].object) == ("list", "small", 0, "embedding")
    assert (found.usage.prompt_tokens, found.usage.total_tokens) == (6, 6)
    assert service.requests == [wire.Embed(texts=["lamp"], kind="query", model="small")]


async def test_a_list_keeps_its_order(client: openai.AsyncOpenAI) -> None:
    texts = ["a", "bb", "ccc", "bb"]
    found = await client.embeddings.create(input=texts, model="small", encoding_format="float")
    assert [item.index for item in found.data] == [0, 1, 2, 3]
    assert [np.array(item.embedding, "<f4").tolist() for item in found.data] == [vector_of(t).tolist() for t in texts]
    assert found.usage.prompt_tokens == sum(len(text) + 2 for text in texts)


async def test_numbers_and_base64_are_the_same_float32(http: httpx.AsyncClient) -> None:
    async def embedding(encoding: str | None) -> Any:
        body = {"input": "lamp", "model": "small", "encoding_format": encoding}
        return (await http.post("/v1/embeddings", json=body)).json()["data"][0]["embedding"]

    packed = base64.b64decode(await embedding("base64"))
    assert packed == vector_of("lamp").tobytes()
    assert struct.pack(f"<{DIMENSION}f", *await embedding("float")) == packed
    assert await embedding(None) == await embedding("float")


async def test_shorter_vectors_are_unit_vectors_again(client: openai.AsyncOpenAI) -> None:
    whole = await client.embeddings.create(input="lamp", model="small", dimensions=DIMENSION)
    assert np.array_equal(np.array(whole.data[0].embedding, "<f4"), vector_of("lamp"))
    short = np.array((await client.embeddings.create(input="lamp", model="small", dimensions=2)).data[0].embedding)
    expected = vector_of("lamp")[:2]
    assert np.linalg.norm(short) == pytest.approx(1, abs=1e-6)
    assert short == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


async def test_texts_may_be_embedded_as_passages(client: openai.AsyncOpenAI, service: FakeService) -> None:
    await client.embeddings.create(input="lamp", model="small", extra_body={"input_type": "passage", "whatever": 1})
    assert service.requests == [wire.Embed(texts=["lamp"], kind="passage", model="small")]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": None}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["a", [1]]}, "input[1]"),
        ({"input": [[1], "a"]}, "input[0]"),
        ({"input": [[1], []]}, "input[1]"),
        ({"input": [[1], [2, "a"]]}, "input[1]"),
        ({"input": [1, 2.5]}, "input"),
        ({"input": [1, True]}, "input"),
        ({"input": [-1]}, "input"),
        ({"input": [100_256]}, "input"),
        ({"input": [[15339], [100_277]]}, "input[1]"),
        ({"input": [[15339, 10**30]]}, "input[0]"),
        ({}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": -3}, "dimensions"),
        ({"input": "a", "dimensions": "4"}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "truncate": 0}, "truncate"),
        ({"input": "a", "truncate": -1}, "truncate"),
        ({"input": "a", "truncate": "yes"}, "truncate"),
        ({"input": "a", "input_type": "title"}, "input_type"),
        ({"input": "a", "model": 5}, "model"),
    ],
)
async def test_what_is_wrong_is_named(
    http: httpx.AsyncClient, service: FakeService, body: dict[str, Any], param: str
) -> None:
    answer = await http.post("/v1/embeddings", json=body)
    assert answer.status_code == 400
    assert (answer.json()["error"]["type"], answer.json()["error"]["param"]) == ("invalid_request_error", param)
    assert not [request for request in service.requests if isinstance(request, wire.Embed)]


async def test_a_model_has_no_more_dimensions_than_it_has(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=f"{DIMENSION} dimensions") as caught:
        await client.embeddings.create(input="lamp", model="small", dimensions=DIMENSION + 1)
    assert caught.value.param == "dimensions"


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ([15339, 1917], ["hello world"]),
        ([[15339, 1917], [83, 1609, 5963, 374, 2294, 0]], ["hello world", "tiktoken is great!"]),
        ([100_257], ["<|endoftext|>"]),
        ([[9468, 239, 235], [9468]], ["👍", "\N{REPLACEMENT CHARACTER}"]),
    ],
)
async def test_token_ids_are_the_text_that_openais_tokenizer_made_them_of(
    client: openai.AsyncOpenAI, service: FakeService, given: Any, texts: list[str]
) -> None:
    found = await client.embeddings.create(input=given, model="small")
    assert service.requests == [wire.Embed(texts=texts, model="small")]
    assert [np.array(item.embedding, "<f4").tolist() for item in found.data] == [vector_of(t).tolist() for t in texts]


async def test_token_ids_may_be_the_models_own(opened: Opened, service: FakeService) -> None:
    async with opened(token_ids="model") as http:
        assert (await http.post("/v1/embeddings", json={"input": [[5, 6], [7]], "model": "small"})).status_code == 200
        refused = await http.post("/v1/embeddings", json={"input": [[5, 6], ["x"]], "model": "small"})
    assert service.requests[0] == wire.Detokenize(ids=[[5, 6], [7]], model="small")
    assert service.requests[1] == wire.Embed(texts=["naïve", ""], model="small")
    assert refused.json()["error"]["param"] == "input[1]"


async def test_a_complaint_about_the_models_own_ids_names_the_input(opened: Opened, service: FakeService) -> None:
    async with opened(token_ids="model") as http:
        service.replies[wire.Detokenize] = InvalidRequest("9 is no token.", param="ids[1]")
        answer = await http.post("/v1/embeddings", json={"input": [[5], [9]]})
        service.replies[wire.Detokenize] = InvalidRequest("9 is no token.", param="ids[0]")
        single = await http.post("/v1/embeddings", json={"input": [9]})
    assert answer.json()["error"]["param"] == "input[1]"
    assert single.json()["error"]["param"] == "input"


async def test_token_ids_may_be_refused(opened: Opened, service: FakeService) -> None:
    async with opened(token_ids="reject") as http:
        answer = await http.post("/v1/embeddings", json={"input": [15339]})
    assert answer.status_code == 400
    assert "check_embedding_ctx_length=False" in answer.json()["error"]["message"]
    assert not service.requests


@pytest.mark.parametrize(
    ("said", "settings", "expected"),
    [
        ({"model": "small:passage"}, {}, ("small", "passage")),
        ({"model": "small:query"}, {"input_type": "passage"}, ("small", "query")),
        ({"model": "small"}, {"input_type": "passage"}, ("small", "passage")),
        ({"model": "small", "input_type": "query"}, {"input_type": "passage"}, ("small", "query")),
        ({"model": "small:passage", "input_type": "passage"}, {}, ("small", "passage")),
        ({"model": "org/small:v2"}, {}, ("org/small:v2", "query")),
        ({}, {}, (None, "query")),
    ],
)
async def test_the_kind_comes_from_the_request_or_the_models_name_or_the_settings(
    opened: Opened, service: FakeService, said: dict[str, str], settings: dict[str, str], expected: tuple[Any, Any]
) -> None:
    model, kind = expected
    async with opened(**settings) as http:
        await http.post("/v1/embeddings", json={"input": "lamp", **said})
    assert service.requests == [wire.Embed(texts=["lamp"], kind=kind, model=model)]


async def test_two_kinds_at_once_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/embeddings", json={"input": "a", "model": "small:query", "input_type": "passage"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input_type")


async def test_a_header_says_which_inputs_were_cut(http: httpx.AsyncClient, service: FakeService) -> None:
    texts = ["a", LONG, "b", LONG, LONG, LONG, "c", LONG]
    body = {"input": texts, "model": "small", "truncate": True}
    assert (await http.post("/v1/embeddings", json=body)).headers["x-truncated-inputs"] == "1,3-5,7"
    assert service.requests == [wire.Embed(texts=texts, model="small", truncate=True)]
    whole = await http.post("/v1/embeddings", json=body | {"input": ["a"]})
    assert "x-truncated-inputs" not in whole.headers


async def test_2048_texts_are_not_too_many(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/embeddings", json={"input": ["a"] * 2048, "encoding_format": "base64"})
    assert len(answer.json()["data"]) == 2048


async def test_the_clients_own_error_classes(client: openai.AsyncOpenAI, service: FakeService) -> None:
    for error, expected in (
        (ModelNotFound("There is no model x.", hint="There is: small.", param="model"), openai.NotFoundError),
        (Busy("The queue is full."), openai.InternalServerError),
        (Failed("It broke."), openai.InternalServerError),
    ):
        service.replies[wire.Embed] = error
        with pytest.raises(expected) as caught:
            await client.embeddings.create(input="lamp", model="x")
        assert caught.value.code == error.code
    with pytest.raises(openai.BadRequestError) as refused:
        await client.embeddings.create(input="", model="small")
    assert (refused.value.type, refused.value.param) == ("invalid_request_error", "input")


async def test_models_are_listed_with_the_default_first(client: openai.AsyncOpenAI) -> None:
    found = (await client.models.list()).data
    assert [model.id for model in found] == ["small", "org/large", "ada"]
    assert [model.model_dump()["root"] for model in found] == ["small", "org/large", "org/large"]
    assert (found[0].object, found[0].created, found[0].owned_by) == ("model", 7, "patina")
    assert found[0].model_dump()["dimension"] == DIMENSION
    assert found[0].model_dump()["context_size"] == 512


async def test_one_model_is_shown_or_is_not_found(client: openai.AsyncOpenAI, http: httpx.AsyncClient) -> None:
    assert (await client.models.retrieve("small")).id == "small"
    assert (await http.get("/v1/models/org/large")).json()["id"] == "org/large"
    assert (await client.models.retrieve("ada")).model_dump()["dimension"] == 8
    with pytest.raises(openai.NotFoundError) as caught:
        await client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"
    assert 'write aliases = { "gpt-5" = "small" } under [models] in config.toml' in str(caught.value)


@pytest.mark.parametrize(
    ("error", "again"), [(Busy("Full."), "true"), (Failed("It broke."), "false"), (Locked("Held."), "false")]
)
async def test_a_client_is_told_whether_to_try_again(
    http: httpx.AsyncClient, service: FakeService, error: PatinaError, again: str
) -> None:
    service.replies[wire.Embed] = error
    answer = await http.post("/v1/embeddings", json={"input": "lamp"})
    assert answer.headers["x-should-retry"] == again


@pytest.mark.parametrize("given", ["", [], ["a", ""], None])
async def test_nothing_to_embed_is_refused_with_what_to_send(http: httpx.AsyncClient, given: Any) -> None:
    answer = await http.post("/v1/embeddings", json={"input": given})
    assert answer.status_code == 400
    assert "empty" in answer.json()["error"]["message"] or given is None
    assert "Send a text" in answer.json()["error"]["hint"]
