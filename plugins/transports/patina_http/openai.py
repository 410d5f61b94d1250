"""The routes that clients of OpenAI's interface know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from patina import wire
from patina.errors import InvalidRequest, ModelNotFound
from patina.types import Kind
from patina_http.answer import Asked, body_as, json, reply_to
from patina_http.embedding import embedded, encoded, rows, shortened, written


class EmbeddingsBody(msgspec.Struct):
    """Unknown fields are ignored: clients send some of their own."""

    input: Any
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    input_type: Kind = "query"
    """Not OpenAI's: what the texts are embedded as."""
    truncate: bool = False
    """Not OpenAI's: cut a text that is too long for the model."""


@post("/v1/embeddings", status_code=200)
async def embeddings(request: Asked) -> Response[bytes]:
    asked = await body_as(request, EmbeddingsBody)
    texts = texts_of(asked.input)
    wanted = wire.Embed(texts=texts, kind=asked.input_type, model=asked.model, truncate=asked.truncate)
    found = await embedded(request, wanted, "input", single=isinstance(asked.input, str))
    vectors = shortened(rows(found), asked.dimensions)
    numbers = await written(vectors, asked.encoding_format or "float")
    used = sum(found.tokens)
    answer = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": embedding} for index, embedding in enumerate(numbers)
        ],
        "model": found.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return json(encoded(answer))


@get("/v1/models")
async def models(request: Asked) -> Response[bytes]:
    """The default comes first."""
    found = await reply_to(request, wire.Models())
    return json(encoded({"object": "list", "data": [_model(entry) for entry in found.models]}))


@get("/v1/models/{name:path}")
async def model(request: Asked) -> Response[bytes]:
    """A model's name may hold slashes."""
    name = str(request.path_params["name"]).removeprefix("/")
    entries = (await reply_to(request, wire.Models())).models
    for entry in entries:
        if entry.name == name:
            return json(encoded(_model(entry)))
    known = ", ".join(entry.name for entry in entries)
    raise ModelNotFound(f"There is no model {name!r}.", hint=f"There is: {known}.", param="model")


def texts_of(given: Any) -> list[str]:
    """The texts of an ``input``. Raises `InvalidRequest`."""
    texts = [given] if isinstance(given, str) else given
    if texts == []:
        raise InvalidRequest("input is an empty list.", hint=SEND_SOMETHING, param="input")
    if not isinstance(texts, list):
        raise InvalidRequest("input is neither a text nor a list of texts.", hint=SEND_SOMETHING, param="input")
    if len(texts) > wire.MAX_EMBED_TEXTS:
        raise InvalidRequest(
            f"input holds {len(texts)} texts; one request may hold {wire.MAX_EMBED_TEXTS}.",
            hint="Send them in parts.",
            param="input",
        )
    for position, text in enumerate(texts):
        if isinstance(text, int | list):
            raise InvalidRequest(
                "input holds token ids, which this model does not share.", hint=SEND_TEXT, param="input"
            )
        if not isinstance(text, str) or not text:
            where = "input" if isinstance(given, str) else f"input[{position}]"
            raise InvalidRequest(f"{where} is empty or not a text.", hint=SEND_SOMETHING, param=where)
    return texts


SEND_SOMETHING = "Send a text of at least one character, or a list of them."
SEND_TEXT = "Send the text itself (in LangChain: check_embedding_ctx_length=False)."


def _model(entry: wire.ModelEntry) -> dict[str, Any]:
    return {
        "id": entry.name,
        "object": "model",
        "created": entry.created,
        "owned_by": "patina",
        "dimension": entry.dimension,
        "context_size": entry.max_tokens,
    }


ROUTES = [embeddings, models, model]
