"""Patina's own routes."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.types import ASGIApp
from msgspec import Meta

from patina import __version__, wire
from patina.codec import decode_request, encode
from patina.errors import TooLarge
from patina.protocols import Service
from patina.types import Kind
from patina_http import ollama
from patina_http.answer import Asked, body_as, caller_of, json, reply_to, told
from patina_http.embedding import embedded, encoded, rows, written
from patina_http.stream import LINES, streamed

READY_TIMEOUT_S = 1.0


@get("/health")
async def health(request: Asked) -> Response[bytes]:
    """Whether the process lives; asks nobody."""
    uptime_s = round(time.monotonic() - request.app.state.began, 3)
    return json(encoded({"status": "ok", "version": __version__, "uptime_s": uptime_s}))


@get("/ready")
async def ready(request: Asked) -> Response[bytes]:
    """Whether the engine answers, and its models compute."""
    service: Service = request.app.state.service
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            pong = await service.handle(wire.Ping(), caller_of(request))
    except TimeoutError:
        return json(encoded({"status": "busy"}), status=503)
    if pong.trouble:
        return json(encoded({"status": "troubled", "reason": pong.trouble}), status=503)
    return json(encoded({"status": "ready"}))


@post("/api/scry", status_code=200)
async def scry(request: Asked) -> Response[bytes]:
    return told(await reply_to(request, await body_as(request, wire.Scry)))


@post("/api/index", status_code=200)
async def index(request: Asked) -> Response[bytes]:
    """202 for documents that are only queued."""
    asked = await body_as(request, wire.Index)
    report = await reply_to(request, asked)
    return json(encode(report), status=202 if asked.ack == "queued" else 200)


class OneText(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[wire.Text, Meta(min_length=1)]
    kind: Kind = "query"
    model: wire.Name | None = None
    truncate: wire.Truncate = False


@post("/api/embed", status_code=200)
async def embed(request: Asked) -> Response[bytes]:
    """One text, or whatever Ollama's client sends to its route of this name."""
    if ollama.speaks(await request.body()):
        return await ollama.embed(request)
    asked = await body_as(request, OneText)
    wanted = wire.Embed(texts=[asked.text], kind=asked.kind, model=asked.model, truncate=asked.truncate)
    found = await embedded(request, wanted, "text", single=True)
    answer = {
        "vector": rows(found)[0],
        "dim": found.dimension,
        "model": found.model,
        "tokens": found.tokens[0],
        "truncated": bool(found.truncated),
    }
    return json(encoded(answer))


class ManyTexts(msgspec.Struct, forbid_unknown_fields=True):
    texts: Annotated[list[wire.Text], Meta(min_length=1)]
    kind: Kind = "query"
    model: wire.Name | None = None
    truncate: wire.Truncate = False


@post("/api/embed/batch", status_code=200)
async def embed_batch(request: Asked) -> Response[bytes]:
    asked = await body_as(request, ManyTexts)
    if len(asked.texts) > wire.MAX_EMBED_TEXTS:
        raise TooLarge(
            f"{len(asked.texts)} texts are more than the {wire.MAX_EMBED_TEXTS} that one request may hold.",
            hint="Send them in parts.",
            param="texts",
        )
    wanted = wire.Embed(texts=asked.texts, kind=asked.kind, model=asked.model, truncate=asked.truncate)
    found = await embedded(request, wanted, "texts")
    answer = {
        "vectors": await written(rows(found)),
        "dim": found.dimension,
        "model": found.model,
        "tokens": found.tokens,
        "truncated": found.truncated,
    }
    return json(encoded(answer))


@post("/api/request", status_code=200)
async def any_request(request: Asked) -> ASGIApp:
    """Any request of `patina.wire`: what a Patina client speaks. With ``Accept: application/x-ndjson`` it streams."""
    wanted = decode_request(await request.body())
    if LINES in request.headers.get("accept", ""):
        return await streamed(request, wanted)
    return told(await reply_to(request, wanted)).to_asgi_response(app=None, request=request)


ROUTES = [health, ready, scry, index, embed, embed_batch, any_request]
