"""The routes that clients of OpenAI's interface know."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Response, get, post

from patina import wire
from patina.types import Kind
from patina_http.answer import Asked, body_as, json, reply_to
from patina_http.embedding import Dimensions, Wanted, encoded, found, written


class EmbeddingsBody(msgspec.Struct):
    """Unknown fields are ignored: clients send some of their own, and `user` says nothing to us."""

    input: Any
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Dimensions | None = None
    input_type: Kind | None = None
    """Not OpenAI's: what the texts are embedded as."""
    truncate: wire.Truncate = False
    """Not OpenAI's: cut a text that is too long for the model, or longer than so many tokens."""


@post("/v1/embeddings", status_code=200)
async def embeddings(request: Asked) -> Response[bytes]:
    asked = await body_as(request, EmbeddingsBody)
    wanted = Wanted(asked.input, "input", asked.model, asked.input_type, asked.truncate, asked.dimensions)
    got = await found(request, wanted)
    numbers = await written(got.vectors, asked.encoding_format or "float")
    used = sum(got.reply.tokens)
    return got.answer(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": embedding}
                for index, embedding in enumerate(numbers)
            ],
            "model": got.reply.model,
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
    )


@get("/v1/models")
async def models(request: Asked) -> Response[bytes]:
    """The default comes first, and after each model its aliases: clients choose from this list."""
    entries = (await reply_to(request, wire.Models())).models
    listed = [_model(entry, name) for entry in entries for name in (entry.name, *entry.aliases)]
    return json(encoded({"object": "list", "data": listed}))


@get("/v1/models/{name:path}")
async def model(request: Asked) -> Response[bytes]:
    """A model's name may hold slashes."""
    name = str(request.path_params["name"]).removeprefix("/")
    entry = (await reply_to(request, wire.Models())).entry(name)
    return json(encoded(_model(entry, name)))


def _model(entry: wire.ModelEntry, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": entry.created,
        "owned_by": "patina",
        "root": entry.name,
        "dimension": entry.dimension,
        "context_size": entry.max_tokens,
    }


ROUTES = [embeddings, models, model]
