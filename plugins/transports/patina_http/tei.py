"""The routes that clients of Hugging Face's Text Embeddings Inference know, among them its `InferenceClient`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Response, post

from patina.errors import InvalidRequest
from patina.types import Kind
from patina_http.answer import Asked, body_as, plainly
from patina_http.embedding import Dimensions, Wanted, found, written


class InputsBody(msgspec.Struct):
    """Unknown fields are ignored."""

    inputs: Any
    normalize: bool | None = None
    truncate: bool | None = None
    truncation_direction: Literal["Left", "Right", "left", "right"] | None = None
    prompt_name: Kind | None = None
    dimensions: Dimensions | None = None


@post(["/", "/embed"], status_code=200)
async def embed(request: Asked) -> Response[bytes]:
    """A list of vectors, also for one text."""
    plainly(request)
    asked = await body_as(request, InputsBody)
    if asked.normalize is False:
        raise InvalidRequest("Vectors have length one here.", hint="Leave normalize out.", param="normalize")
    if asked.truncation_direction in {"Left", "left"}:
        raise InvalidRequest(
            "Texts are cut at their end.", hint='Say "right", or shorten them.', param="truncation_direction"
        )
    wanted = Wanted(
        asked.inputs, "inputs", kind=asked.prompt_name, truncate=bool(asked.truncate), dimensions=asked.dimensions
    )
    got = await found(request, wanted)
    return got.answer(await written(got.vectors))


ROUTES = [embed]
