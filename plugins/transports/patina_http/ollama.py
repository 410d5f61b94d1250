"""The routes that clients of Ollama know; what goes wrong is ``{"error": "…"}`` to them.

`POST /api/embed` is a name that Ollama and Patina share. Only Ollama's body has `input` and only Patina's has `text`,
so the body tells whose it is: see `api.embed`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from msgspec import UNSET, Raw, UnsetType

from patina import __version__, wire
from patina_http.answer import Asked, body_as, json, plainly, reply_to
from patina_http.embedding import Dimensions, Wanted, encoded, found, written


class EmbedBody(msgspec.Struct):
    """Unknown fields are ignored: `options` are for models that write."""

    input: Any
    model: str | None = None
    truncate: bool = True
    """Ollama cuts unless it is told not to."""
    dimensions: Dimensions | None = None


class PromptBody(msgspec.Struct):
    prompt: Any
    model: str | None = None


class _Shape(msgspec.Struct):
    input: Raw | UnsetType = UNSET
    text: Raw | UnsetType = UNSET


def speaks(body: bytes) -> bool:
    """Whether a body for `/api/embed` is Ollama's."""
    try:
        shape = msgspec.json.decode(body, type=_Shape)
    except (msgspec.DecodeError, RecursionError):
        return False  # whoever reads it next says what is wrong with it
    return shape.input is not UNSET and shape.text is UNSET


async def embed(request: Asked) -> Response[bytes]:
    """`POST /api/embed`, once the body is known to be Ollama's."""
    plainly(request)
    began_ns = time.monotonic_ns()
    asked = await body_as(request, EmbedBody)
    wanted = Wanted(asked.input, "input", _untagged(asked.model), truncate=asked.truncate, dimensions=asked.dimensions)
    got = await found(request, wanted)
    return got.answer(
        {
            "model": asked.model or got.reply.model,
            "embeddings": await written(got.vectors),
            "total_duration": time.monotonic_ns() - began_ns,
            "prompt_eval_count": sum(got.reply.tokens),
        }
    )


@post("/api/embeddings", status_code=200)
async def embed_prompt(request: Asked) -> Response[bytes]:
    """What came before `/api/embed`: one text."""
    plainly(request)
    asked = await body_as(request, PromptBody)
    got = await found(request, Wanted(asked.prompt, "prompt", _untagged(asked.model), truncate=True))
    return got.answer({"embedding": (await written(got.vectors))[0]})


@get("/api/tags")
async def tags(request: Asked) -> Response[bytes]:
    """Every model, and under which names."""
    plainly(request)
    return json(encoded({"models": [_model(entry, name) for entry, name in await _named(request)]}))


@get("/api/ps")
async def loaded(request: Asked) -> Response[bytes]:
    """The models that are in memory."""
    plainly(request)
    entries = [entry for entry, name in await _named(request) if entry.loaded and name == entry.name]
    return json(encoded({"models": [_model(entry, entry.name) for entry in entries]}))


@get("/api/version")
async def version() -> Response[bytes]:
    return json(encoded({"version": __version__}))


async def _named(asked: Asked) -> list[tuple[wire.ModelEntry, str]]:
    entries = (await reply_to(asked, wire.Models())).models
    return [(entry, name) for entry in entries for name in (entry.name, *entry.aliases)]


def _model(entry: wire.ModelEntry, name: str) -> dict[str, Any]:
    modified_at = datetime.fromtimestamp(entry.created, UTC).isoformat()
    return {"name": name, "model": name, "modified_at": modified_at}


def _untagged(name: str | None) -> str | None:
    """Ollama's clients may add the tag that a name without one has anyway."""
    return name.removesuffix(":latest") if name else None


ROUTES = [embed_prompt, tags, loaded, version]
