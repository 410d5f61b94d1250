"""Texts to vectors, for whichever interface asks; and vectors in JSON.

There they are numbers, each the shortest that gives the same float32 back, or base64 of the very bytes.
"""

from __future__ import annotations

import asyncio
from binascii import b2a_base64
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import orjson
from litestar import Response
from msgspec import Meta

from patina import wire
from patina.errors import InvalidRequest
from patina.types import Kind
from patina_http.answer import Asked, json, reply_to
from patina_http.inputs import blaming, is_single, named, texts_of
from patina_http.settings import HttpSettings

if TYPE_CHECKING:
    from patina.types import Vector, Vectors

ROWS_A_TURN = 64
TRUNCATED = "x-truncated-inputs"

Dimensions: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]


class Wanted(NamedTuple):
    """What an interface other than Patina's own asks for, whatever it calls things."""

    given: Any
    """Texts or token ids, one or many."""
    field: str
    """What they stand in."""
    model: str | None = None
    kind: Kind | None = None
    """None leaves it to the model's name, then to the settings."""
    truncate: wire.Truncate = False
    dimensions: int | None = None


class Found(NamedTuple):
    """What came of it: the service's reply, and its vectors as they were wanted."""

    reply: wire.Embeddings
    vectors: Vectors

    def answer(self, content: Any) -> Response[bytes]:
        """`content` as JSON, with a header that names the inputs that were cut."""
        answer = json(encoded(content))
        if self.reply.truncated:
            answer.headers[TRUNCATED] = ranges(self.reply.truncated)
        return answer


async def found(asked: Asked, wanted: Wanted) -> Found:
    """The vectors of texts of any form. Raises `InvalidRequest`, which names the client's field or item."""
    model, kind = named(wanted.model)
    if wanted.kind and kind and wanted.kind != kind:
        raise InvalidRequest(
            f"The model's name says {kind}, the request {wanted.kind}.", hint="Say one of them.", param="input_type"
        )
    settings: HttpSettings = asked.app.state.settings
    texts = await texts_of(asked, wanted.given, wanted.field, model)
    request = wire.Embed(
        texts=texts, kind=wanted.kind or kind or settings.input_type, model=model, truncate=wanted.truncate
    )
    reply = await embedded(asked, request, wanted.field, single=is_single(wanted.given))
    return Found(reply, shortened(rows(reply), wanted.dimensions))


async def embedded(asked: Asked, request: wire.Embed, field: str, *, single: bool = False) -> wire.Embeddings:
    """The service's vectors; a complaint about ``texts[3]`` names the field that the client knows."""
    with blaming(field, single=single):
        return await reply_to(asked, request)


def rows(embeddings: wire.Embeddings) -> Vectors:
    """float32 [n, dimension]."""
    numbers: Vectors = np.frombuffer(b"".join(embeddings.vectors), "<f4")
    return numbers.reshape(len(embeddings.vectors), embeddings.dimension)


def shortened(vectors: Vectors, dimensions: int | None) -> Vectors:
    """The first components of each row, made unit vectors again: float32 [n, dimensions].

    None and the full number leave the rows as they are; raises `InvalidRequest` for more than there are.
    """
    full = vectors.shape[1]
    if dimensions is None or dimensions == full:
        return vectors
    if dimensions > full:
        raise InvalidRequest(
            f"The model has {full} dimensions, not {dimensions}.", hint=f"Ask for 1 to {full}.", param="dimensions"
        )
    cut = vectors[:, :dimensions]
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.ascontiguousarray(cut / np.where(lengths > 0, lengths, 1), dtype="<f4")


async def written(vectors: Vectors, encoding: Literal["float", "base64"] = "float") -> list[orjson.Fragment]:
    """Each row as JSON. Two thousand rows take a tenth of a second, so others get a turn in between."""
    fragments = []
    for position, row in enumerate(vectors, start=1):
        if position % ROWS_A_TURN == 0:
            await asyncio.sleep(0)
        fragments.append(orjson.Fragment(_base64(row) if encoding == "base64" else encoded(row)))
    return fragments


def ranges(positions: Sequence[int]) -> str:
    """Growing numbers, briefly: ``0,4-7``. A header has no room for two thousand."""
    runs = groupby(enumerate(positions), key=lambda pair: pair[1] - pair[0])
    ends = [(run[0], run[-1]) for run in ([number for _, number in pairs] for _, pairs in runs)]
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ends)


def encoded(value: Any) -> bytes:
    """JSON in which float32 arrays are lists of numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _base64(row: Vector) -> bytes:
    return b'"' + b2a_base64(row.data, newline=False) + b'"'
