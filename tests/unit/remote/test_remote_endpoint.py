"""What the other side may answer, and what becomes of it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from patina.errors import ConfigError, Denied, Failed, InvalidRequest, ModelNotFound, Unavailable
from patina.types import Embedded
from patina_remote import endpoint
from patina_remote.embedder import RemoteEmbedder
from patina_remote.settings import RemoteSettings

from .conftest import Stub

TEXTS = ["one", "two"]


def answer(*rows: list[float] | str, tokens: int = 7) -> tuple[int, dict[str, str], Any]:
    data = [{"object": "embedding", "index": place, "embedding": row} for place, row in enumerate(rows)]
    return 200, {}, {"object": "list", "data": data[::-1], "model": "m", "usage": {"prompt_tokens": tokens}}


def refusal(status: int, message: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    return status, headers, {"error": {"message": message, "code": "x"}}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_PAUSE_S", 0.001)


def embedded(stub: Stub, **settings: Any) -> Embedded:
    embedder = RemoteEmbedder(RemoteSettings(**{"url": stub.address, "model": "m", "dimension": 2, **settings}))
    try:
        return embedder.embed(embedder.tokenize(TEXTS, "passage"))
    finally:
        embedder.close()


def test_vectors_come_in_the_texts_order_with_length_one_and_the_usage_that_was_told(stub: Stub) -> None:
    packed = base64.b64encode(np.array([0, 5], "<f4").tobytes()).decode()
    stub.answers = [answer([3.0, 4.0], packed)]
    found = embedded(stub)
    np.testing.assert_allclose(found.vectors, [[0.6, 0.8], [0.0, 1.0]], rtol=1e-6)
    assert found.tokens == 7


@pytest.mark.parametrize(
    ("settings", "model", "field"),
    [({}, "m", None), ({"kind": "suffix"}, "m:passage", None), ({"kind": "input_type"}, "m", "passage")],
)
def test_the_other_side_is_told_what_the_texts_are_in_its_own_way(
    stub: Stub, settings: dict[str, Any], model: str, field: str | None
) -> None:
    stub.answers = [answer([1.0, 0.0], [0.0, 1.0])]
    embedded(stub, **settings)
    _, body = stub.calls[0]
    assert (body["model"], body.get("input_type"), body["encoding_format"]) == (model, field, "base64")


def test_the_key_comes_from_the_environment_and_goes_into_no_message(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    stub.answers = [refusal(401, "no such key")]
    with pytest.raises(Denied, match="no such key") as refused:
        embedded(stub, key_variable="MY_KEY")
    assert stub.calls[0][0]["authorization"] == "Bearer s3cret"
    assert "MY_KEY" in refused.value.hint
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_is_busy_is_asked_again(stub: Stub, status: int) -> None:
    busy = refusal(status, "busy", **{"retry-after-ms": "5"})
    stub.answers = [busy, busy, answer([1.0, 0.0], [0.0, 1.0])]
    assert embedded(stub).vectors.shape == (2, 2)
    assert len(stub.calls) == 3


def test_one_that_stays_busy_is_given_up(stub: Stub) -> None:
    stub.answers = [refusal(503, "busy")]
    with pytest.raises(Unavailable, match="busy"):
        embedded(stub, attempts=3)
    assert len(stub.calls) == 3


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (refusal(400, "too long"), InvalidRequest, "too long"),
        (refusal(404, "unknown"), ModelNotFound, "unknown"),
        ((200, {}, b"<html>"), Failed, "JSON"),
        ((200, {}, {"data": "nothing"}), Failed, "embeddings"),
        (answer([1.0, 0.0]), Failed, "1 vectors for 2 texts"),
        (answer([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), ConfigError, "3 numbers, not 2"),
        (answer([0.0, 0.0], [1.0, 0.0]), Failed, "no direction"),
        (answer([1.0], [1.0, 0.0]), Failed, "embeddings"),
        ((302, {"location": "http://127.0.0.1:1/"}, b""), InvalidRequest, "302"),
    ],
)
def test_what_is_no_use_says_so(stub: Stub, given: Any, error: type[Exception], says: str) -> None:
    stub.answers = [given]
    with pytest.raises(error, match=says):
        embedded(stub)
    assert len(stub.calls) == 1


def test_nobody_there_is_unavailable_and_names_the_address() -> None:
    embedder = RemoteEmbedder(RemoteSettings(url="http://127.0.0.1:1/v1", model="m", attempts=2))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        _ = embedder.info


@pytest.mark.parametrize(("url", "model"), [("ftp://x", "m"), ("http://x", "")])
def test_without_an_address_or_a_model_there_is_no_embedder(url: str, model: str) -> None:
    with pytest.raises(ConfigError):
        RemoteEmbedder(RemoteSettings(url=url, model=model))


def test_a_long_text_is_cut_and_marked(stub: Stub) -> None:
    stub.answers = [answer([1.0, 0.0])]
    embedder = RemoteEmbedder(RemoteSettings(url=stub.address, model="m", max_tokens=20))
    [short, long] = embedder.tokenize(["a lamp", "a lamp " * 200], "query")
    assert (short.truncated, long.truncated) == (False, True)
    assert long.count <= 20
