"""Calls to `/embeddings`, tried again while the other side says that it is busy."""

from __future__ import annotations

import base64
import os
import random
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np

from patina.errors import ConfigError, Denied, Failed, InvalidRequest, ModelNotFound, PatinaError, Unavailable
from patina.types import Kind, Secret
from patina_remote.settings import KEY_VARIABLE, URL, RemoteSettings

if TYPE_CHECKING:
    from patina.types import Vectors

TRIED_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
CONNECT_TIMEOUT_S = 5.0
REPEATED_CHARACTERS = 300
"""Of what the other side says is wrong."""


class Endpoint:
    """Connections that are kept and shared between threads."""

    def __init__(self, settings: RemoteSettings) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise ConfigError(
                f"{settings.url!r} is no address to send texts to.", hint="Set it: https://host/v1.", param=URL
            )
        self._settings = settings
        self._key = Secret(os.environ.get(settings.key_variable, ""))
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def embed(self, texts: Sequence[str], kind: Kind, attempts: int) -> tuple[Vectors, int]:
        """Vectors as they come, float32 [n, dimension], and the tokens that the other side counted."""
        reply = self._reply(self._body(texts, kind), attempts)
        try:
            rows = sorted(reply["data"], key=lambda row: row["index"])
            vectors = np.stack([_row(one["embedding"]) for one in rows])
            tokens = int(reply.get("usage", {}).get("prompt_tokens", 0))
        except (KeyError, TypeError, ValueError) as error:
            raise Failed(f"{self._settings.url} did not answer with embeddings.", hint=_CHECK, param=URL) from error
        if len(vectors) != len(texts):
            raise Failed(
                f"{self._settings.url} gave {len(vectors)} vectors for {len(texts)} texts.", hint=_CHECK, param=URL
            )
        return vectors, tokens

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _body(self, texts: Sequence[str], kind: Kind) -> dict[str, Any]:
        model, marking = self._settings.model, self._settings.kind
        named = f"{model}:{kind}" if marking == "suffix" else model
        body: dict[str, Any] = {"model": named, "input": list(texts), "encoding_format": "base64"}
        return body | {"input_type": kind} if marking == "input_type" else body

    def _reply(self, body: dict[str, Any], attempts: int) -> dict[str, Any]:
        problem: PatinaError = Unavailable("")
        pause_s = FIRST_PAUSE_S
        for attempt in range(attempts):
            if attempt:
                time.sleep(min(LONGEST_PAUSE_S, pause_s) * random.uniform(0.8, 1.2))  # noqa: S311 - so that many do not come back at once
            pause_s = 2 * pause_s
            try:
                answer = self._connected().post(f"{self._settings.url.rstrip('/')}/embeddings", json=body)
            except httpx2.HTTPError as error:
                problem = Unavailable(f"{self._settings.url} cannot be reached: {error}.", hint=_REACH, param=URL)
                continue
            if answer.status_code not in TRIED_AGAIN:
                return self._read(answer)
            problem = Unavailable(
                f"{self._settings.url} is busy ({answer.status_code}): {_said(answer)}", hint=_LATER, param=URL
            )
            pause_s = _asked_for(answer) or pause_s
        raise problem

    def _read(self, answer: httpx2.Response) -> dict[str, Any]:
        if answer.is_success:
            try:
                reply: dict[str, Any] = answer.json()
            except ValueError:
                raise Failed(f"{self._settings.url} did not answer in JSON.", hint=_CHECK, param=URL) from None
            return reply
        said = _said(answer)
        match answer.status_code:
            case 401 | 403:
                hint = f"Put its key into the environment variable {self._settings.key_variable}."
                raise Denied(f"{self._settings.url} refuses the key: {said}", hint=hint, param=KEY_VARIABLE)
            case 404:
                raise ModelNotFound(
                    f"{self._settings.url} has no {self._settings.model!r}: {said}", hint=_CHECK, param=URL
                )
        raise InvalidRequest(f"{self._settings.url} refuses the text ({answer.status_code}): {said}", param=URL)

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                key = self._key.reveal()
                self._client = httpx2.Client(
                    headers={"authorization": f"Bearer {key}"} if key else {},
                    timeout=httpx2.Timeout(self._settings.timeout_s, connect=CONNECT_TIMEOUT_S),
                    follow_redirects=False,  # a key goes nowhere but where it was meant to
                )
            return self._client


_CHECK = "Check embedders.remote.url and embedders.remote.model."
_REACH = "Check the address and the network."
_LATER = "Try again later."


def _row(embedding: str | list[float]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
    return np.array(embedding, np.float32)


def _said(answer: httpx2.Response) -> str:
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = answer.text
    return str(message)[:REPEATED_CHARACTERS]


def _asked_for(answer: httpx2.Response) -> float | None:
    """How long to wait, in seconds, if the other side says so."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(answer.headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
    return None
