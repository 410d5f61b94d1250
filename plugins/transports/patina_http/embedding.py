"""Vectors in JSON: as numbers, each the shortest that gives the same float32 back, or as base64 of the very bytes."""

from __future__ import annotations

import asyncio
import re
from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

from patina import wire
from patina.errors import InvalidRequest
from patina_http.answer import Asked, reply_to

if TYPE_CHECKING:
    from patina.types import Vector, Vectors

ROWS_A_TURN = 64


async def embedded(asked: Asked, request: wire.Embed, field: str, *, single: bool = False) -> wire.Embeddings:
    """The service's vectors; a complaint about ``texts[3]`` names the field that the client knows."""
    try:
        return await reply_to(asked, request)
    except InvalidRequest as error:
        if error.param is not None:
            error.param = re.sub(r"^texts(\[\d+\])?", field if single else rf"{field}\1", error.param)
        raise


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


def encoded(value: Any) -> bytes:
    """JSON in which float32 arrays are lists of numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _base64(row: Vector) -> bytes:
    return b'"' + b2a_base64(row.data, newline=False) + b'"'
