"""Every request and reply, one Struct each: the words that all transports speak.

A request is generic in its reply: ``class Scry(Request[Hits], tag="scry")`` makes ``await service.handle(Scry(...))`` a
`Hits` for the type checker too. Over a socket a request is told apart by its tag in the field ``op``; an HTTP route
knows its request and needs no tag. Fields may be added, never renamed. Vectors are raw little-endian float32 bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from patina.errors import InvalidRequest, PatinaError, by_code
from patina.types import Fault, Kind, Mode

R_co = TypeVar("R_co", covariant=True)
AnyRequestT = TypeVar("AnyRequestT", bound="Request[Any]")

Name = Annotated[str, Meta(min_length=1, max_length=200)]
PathText = Annotated[str, Meta(min_length=1, max_length=4096)]
Text = Annotated[str, Meta(max_length=10_000_000)]
QueryText = Annotated[str, Meta(max_length=20_000)]

MAX_EMBED_TEXTS = 2048


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: `origin` is the door ("unix", "http", "local"), `name` the key, user or process behind it."""

    origin: str = "local"
    name: str = ""


class Request(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """A question to the engine, generic in its reply."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. Clients ignore fields that they do not know."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something told while a request is under way; a stream's last event is the request's reply."""


# -- life -------------------------------------------------------------------------------------------------------------


class Pong(Reply, frozen=True, kw_only=True):
    version: str
    pid: int


class Ping(Request[Pong], frozen=True, kw_only=True, tag="ping"):
    """Is anybody there?"""


class CollectionStatus(Reply, frozen=True, kw_only=True):
    name: str
    root: str
    documents: int
    chunks: int
    embedded: int
    """Chunks whose vector is known."""
    model: str
    """The model that the vectors are from; empty before the first."""
    indexed_at: float | None
    """Unix time of the last commit."""
    problem: str | None = None
    """Why the collection cannot answer in full, if so."""


class StatusReply(Reply, frozen=True, kw_only=True):
    version: str
    pid: int
    home: str
    uptime_s: float
    endpoints: list[str]
    model: str | None
    """The default embedder's model; null without one."""
    model_loaded: bool
    waiting: int
    """Texts that wait for the model."""
    rss_mb: float
    collections: list[CollectionStatus]
    notes: list[str] = []
    """What is missing or broken, each with the next step."""


class Status(Request[StatusReply], frozen=True, kw_only=True, tag="status"):
    """How the daemon and its collections are. Never loads a model."""


class Stopping(Reply, frozen=True, kw_only=True):
    pid: int


class Shutdown(Request[Stopping], frozen=True, kw_only=True, tag="shutdown"):
    """End the daemon once what is in flight has ended."""


# -- asking -----------------------------------------------------------------------------------------------------------


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Admits a chunk when every given part does."""

    path_prefix: Annotated[str, Meta(max_length=4096)] | None = None
    language: Annotated[str, Meta(max_length=64)] | None = None
    ids: Annotated[list[Name], Meta(max_length=10_000)] | None = None
    metadata: dict[str, str] = {}
    """Equal values, by key."""


class ArmScore(msgspec.Struct, frozen=True, kw_only=True):
    rank: int
    """From 1."""
    score: float
    """The arm's own: cosine, BM25."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One passage that answers. `score` is `rrf` divided by the best possible of the arms asked: 0 to 1."""

    id: str
    score: float
    rrf: float
    repo: str
    path: str
    location: str
    start_line: int
    end_line: int
    title: str
    heading: list[str]
    text: str
    snippet: str
    previous: str | None
    next: str | None
    arms: dict[str, ArmScore]
    matched: list[str] | None = None
    """The question's words that the passage holds; only with `explain`."""


class Hits(Reply, frozen=True, kw_only=True):
    hits: list[Hit]
    degraded: str | None
    """Why the answer may be less than it could be, in a sentence; null when it is whole."""
    took_ms: float
    embed_ms: float = 0.0
    """The part of `took_ms` that went into embedding the question."""
    weights: dict[str, float] = {}
    """What each arm's vote counted."""


class Scry(Request[Hits], frozen=True, kw_only=True, tag="scry"):
    """Ask. `mode` "file" wants `file` and returns that file's neighbours; no `repos` means all."""

    query: QueryText = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 10
    mode: Mode = "hybrid"
    file: PathText | None = None
    repos: Annotated[list[Name], Meta(max_length=1000)] = []
    filter: Filter | None = None
    min_score: Annotated[float, Meta(ge=0, le=1)] = 0.0
    explain: bool = False


# -- taking in --------------------------------------------------------------------------------------------------------


class InputDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document handed over as data. Its name in the collection is `id`, else `path`, else `url`, else its digest."""

    text: Text
    id: PathText | None = None
    path: PathText | None = None
    title: Annotated[str, Meta(max_length=1000)] = ""
    url: PathText | None = None
    metadata: dict[str, str] = {}


class InputFailure(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    reason: str


class IndexReport(Event, frozen=True, kw_only=True, tag="index_report"):
    """What an index request did. The last event of its stream, and its reply."""

    repo: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    """Documents."""
    chunks: int = 0
    """Chunks written."""
    embedded: int = 0
    """Chunks that needed the model."""
    skipped: dict[str, int] = {}
    """Inputs passed over on purpose, counted by reason: ignored, binary, too_large, secret, link."""
    failed: list[InputFailure] = []
    note: str | None = None
    """What is left undone, in a sentence: no model is installed, embedding goes on behind."""
    took_ms: float = 0.0


class Index(Request[IndexReport], frozen=True, kw_only=True, tag="index"):
    """Take in documents. With `wait` the reply comes when they are searchable in full, else once they are durable."""

    repo: Name
    documents: Annotated[list[InputDocument], Meta(min_length=1, max_length=10_000)]
    wait: bool = True


class Reports(Event, frozen=True, kw_only=True, tag="reports"):
    """One report for each collection that an `IndexPaths` touched."""

    reports: list[IndexReport]


class IndexPaths(Request[Reports], frozen=True, kw_only=True, tag="index_paths"):
    """Take in files and folders of the daemon's machine: absolute paths."""

    paths: Annotated[list[PathText], Meta(min_length=1, max_length=1000)]
    name: Name | None = None
    """The collection to use; the paths' common folder becomes its root if it is new."""
    wait: bool = True
    strict: bool = False
    """Stop at the first input that fails."""


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """`stage` is "read" (in documents) or "embed" (in chunks)."""

    repo: str
    stage: str
    done: int
    total: int | None
    rate: float = 0.0
    """Per second."""
    eta_s: float | None = None


class Rebuild(Request[IndexReport], frozen=True, kw_only=True, tag="rebuild"):
    """Throw a collection's index away and derive it again, with the model that is configured now."""

    repo: Name


# -- vectors ----------------------------------------------------------------------------------------------------------


class Embeddings(Reply, frozen=True, kw_only=True):
    model: str
    dimension: int
    vectors: list[bytes]
    """One for each text, in order: `dimension` little-endian float32."""
    tokens: list[int]
    """Computed for each text, prefix and special tokens included."""
    truncated: list[int] = []
    """Positions of the texts that were cut to the model's maximum."""


class Embed(Request[Embeddings], frozen=True, kw_only=True, tag="embed"):
    texts: Annotated[list[Text], Meta(min_length=1, max_length=MAX_EMBED_TEXTS)]
    kind: Kind = "query"
    model: Name | None = None
    """A name from `Models`; null takes the default."""
    truncate: bool = False
    """Cut a text over the model's maximum; otherwise it is refused."""


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    dimension: int
    max_tokens: int
    created: int
    """Unix time of the artefact."""
    default: bool
    loaded: bool


class ModelList(Reply, frozen=True, kw_only=True):
    models: list[ModelEntry]
    """The default first."""


class Models(Request[ModelList], frozen=True, kw_only=True, tag="models"):
    """Every model that can be named. Loads none."""


# -- keeping ----------------------------------------------------------------------------------------------------------


class VerifyReport(Reply, frozen=True, kw_only=True):
    ok: bool
    collections: int
    chunks: int
    faults: list[Fault]
    took_ms: float


class Verify(Request[VerifyReport], frozen=True, kw_only=True, tag="verify"):
    """Compare the store with itself and every arm with the store; `full` reads every byte."""

    repos: list[Name] = []
    full: bool = False


class ExportedChunk(Event, frozen=True, kw_only=True, tag="chunk"):
    """A chunk as `Hit` shows it, without what belongs to a question."""

    id: str
    repo: str
    path: str
    location: str
    start_line: int
    end_line: int
    title: str
    heading: list[str]
    text: str
    snippet: str
    previous: str | None
    next: str | None


class Exported(Event, frozen=True, kw_only=True, tag="exported"):
    chunks: int


class Export(Request[Exported], frozen=True, kw_only=True, tag="export"):
    """Stream every chunk, collection by collection, in the documents' order."""

    repos: list[Name] = []


AnyRequest = Ping | Status | Shutdown | Scry | Index | IndexPaths | Rebuild | Embed | Models | Verify | Export
AnyEvent = Progress | ExportedChunk | IndexReport | Reports | Exported


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A `PatinaError` on its way to a client."""

    code: str
    message: str
    hint: str = ""
    param: str | None = None

    @classmethod
    def of(cls, error: PatinaError) -> Failure:
        return cls(code=error.code, message=error.message, hint=error.hint, param=error.param)

    def error(self) -> PatinaError:
        """The same error again, on the client's side."""
        return by_code(self.code)(self.message, hint=self.hint, param=self.param)


_IN_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "a text",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "an object",
}
"""What msgspec calls the types, for somebody who may not write Python."""


def invalid(error: msgspec.ValidationError) -> InvalidRequest:
    """msgspec's complaint as ours, with the field that it names."""
    text = str(error)
    found = re.search(r"`\$\.?([^`]*)`$", text) or re.search(r"field `([^`]*)`", text)
    param = found.group(1) if found else None
    sentence = re.sub("`[a-z]+`", lambda word: _IN_WORDS.get(word[0], word[0]), text.split(" - at `", maxsplit=1)[0])
    return InvalidRequest(f"{param}: {sentence}." if param else f"{sentence}.", param=param)


def checked(request: AnyRequestT) -> AnyRequestT:
    """The request again, held to its written limits as if it had come over a transport.

    Raises `InvalidRequest`: a Struct that was built in Python has not been checked by anybody.
    """
    try:
        again: AnyRequestT = msgspec.convert(msgspec.to_builtins(request, builtin_types=(bytes,)), type(request))
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    return again
