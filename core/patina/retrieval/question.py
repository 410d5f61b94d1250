"""What collections are asked: the words of a request, their vectors, and for mode `file` what the file says."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from patina.errors import Busy, InvalidRequest, PatinaError
from patina.models import Lane
from patina.retrieval.neighbours import Neighbourhood, neighbourhood
from patina.shelf import Shelved
from patina.store import Store
from patina.wire import Scry

if TYPE_CHECKING:
    from patina.types import Vector


class Run(Protocol):
    """Runs blocking work on the engine's bounded executor."""

    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


class Question(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The words, the question's vector for each model, and what is left out."""

    text: str
    vectors: dict[str, Vector]
    leave_out: frozenset[str] = frozenset()
    """Chunk ids of the document that is the question itself."""
    embed_ms: float = 0.0
    failure: PatinaError | None = None
    """Why a model that is there gave no vector for the question."""


async def question(request: Scry, collections: Sequence[Shelved], store: Store, run: Run) -> Question:
    """Raises `InvalidRequest` for a request that asks nothing, `NotFound` for a file that is not indexed."""
    if request.mode == "file":
        if not request.file:
            raise InvalidRequest("Mode 'file' needs the file.", hint="Name it in `file`.", param="file")
        around: Neighbourhood = await run(neighbourhood, request.file, collections, store)
        return Question(text=around.text, vectors=around.vectors, leave_out=around.ids)
    if not request.query.strip():
        raise InvalidRequest("The question is empty.", hint="Ask something in `query`.", param="query")
    if request.mode == "lexical":
        return Question(text=request.query, vectors={})
    return await _embedded(request.query, collections)


async def _embedded(text: str, collections: Sequence[Shelved]) -> Question:
    """Once for each model, however many collections use it."""
    started = time.perf_counter()
    vectors: dict[str, Vector] = {}
    failures: dict[str, PatinaError] = {}
    for one in collections:
        if one.mismatch is not None:
            raise one.mismatch
        if one.info is None or one.info.identity in vectors.keys() | failures.keys():
            continue
        try:
            [result] = await one.model.embed([text], "query", Lane.QUESTION)
            vectors[one.info.identity] = result.vector
        except Busy:
            raise  # to ask again is better than to be answered by half
        except PatinaError as error:
            failures[one.info.identity] = error
    embed_ms = round((time.perf_counter() - started) * 1000, 3) if vectors else 0.0
    return Question(text=text, vectors=vectors, embed_ms=embed_ms, failure=next(iter(failures.values()), None))
