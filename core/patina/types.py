"""The nouns that every room of Patina speaks.

Structs that hold arrays are ``eq=False`` and never cross a transport: `patina.wire` carries vectors as raw
little-endian float32 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:  # numpy costs a client 180 ms that it does not need
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]  # shape [dimension], L2-normalised
    Vectors: TypeAlias = npt.NDArray[np.float32]  # shape [n, dimension], each row L2-normalised

Kind: TypeAlias = Literal["query", "passage"]
"""What a text is embedded as: asymmetric models (E5) prefix questions and documents differently."""

Mode: TypeAlias = Literal["hybrid", "semantic", "lexical", "file"]
Scope: TypeAlias = Literal["read", "write", "embed", "deploy", "admin"]
"""What a key lets its bearer do: `patina.access`."""

Seq: TypeAlias = int
"""A position in the store's log: from 1, monotonic over all collections, 0 = before everything."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file, page or record, as a source handed it over."""

    path: str
    """Relative to the collection's root, with forward slashes; the document's name within its collection."""
    location: str
    """The absolute path or the URL that a person can open."""
    digest: str
    """blake2b-128 of the source bytes, in hex."""
    title: str = ""
    language: str = ""
    """"python", "markdown", …; empty for plain text."""
    size: int = 0
    """Bytes of the source."""
    modified_ns: int = 0
    """The source's modification time; 0 where there is none."""
    chunker: str = ""
    """Names the chunker, its settings and whose tokens it counted: a document is cut again when this changes."""
    metadata: dict[str, str] = {}


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A passage of a document: what is embedded, indexed and shown."""

    id: str
    """blake2b-128 in hex of the collection's name, the path, the digest and the ordinal among equal digests."""
    repo: str
    """The collection's name."""
    path: str
    location: str
    digest: str
    """blake2b-128 in hex of `text`."""
    text: str
    start_byte: int
    end_byte: int
    """Half-open, in the UTF-8 form of the extracted text."""
    start_line: int
    end_line: int
    """From 1, inclusive."""
    position: int = 0
    """Ordinal within the document, from 0."""
    title: str = ""
    heading: tuple[str, ...] = ()
    """The headings above the passage, outermost first."""
    language: str = ""
    metadata: dict[str, str] = {}
    previous: str | None = None
    next: str | None = None
    """Ids of the neighbours within the document; filled in by the store when it reads."""


class Change(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One entry of the store's log, as an index follows it. Applying one twice must change nothing.

    ``put``: the passage exists with `text`; `vector` is there if it is already known.
    ``vector``: the vector of a passage that was put before has become known.
    ``delete``: the passage is gone; only `id` is set.
    """

    seq: Seq
    op: Literal["put", "vector", "delete"]
    id: str
    path: str = ""
    title: str = ""
    heading: tuple[str, ...] = ()
    text: str = ""
    vector: Vector | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What an index is asked. Either part may be missing: then the arm that needs it is left out of the answer."""

    text: str = ""
    vector: Vector | None = None
    window: int = 50
    """How many candidates each arm returns at most."""
    only: frozenset[str] | None = None
    """The chunk ids that a filter admits, applied before the window; None admits all."""
    arms: tuple[str, ...] | None = None
    """The arms to ask; None asks all."""


class Candidate(msgspec.Struct, frozen=True):
    """A chunk id with its arm's own score (higher is better, comparable only within one ranking)."""

    id: str
    score: float


class Ranking(msgspec.Struct, frozen=True):
    """One arm's candidates, best first."""

    arm: str
    candidates: list[Candidate]


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a derived index must have been made from to be believed."""

    collection: str
    identity: str = ""
    """sha256 of the embedder's artefact; empty while no model has been seen."""
    dimension: int = 0
    format: int = 1


class Fault(msgspec.Struct, frozen=True):
    """Something that `patina verify` found wrong."""

    where: str
    what: str
    repair: str


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an embedder says of its model without loading it."""

    name: str
    dimension: int
    max_tokens: int
    identity: str
    """sha256 of the artefact: vectors of different identities are never mixed."""
    exact_tokens: bool = True
    """Whether `tokenize` counts with the model's own tokenizer."""
    batch_tokens: int = 0
    """The padded tokens a call should hold; 0 = one text a call."""
    created: int = 0
    """Unix time of the artefact's file; 0 where it is not known, or not made yet."""


class Tokens(msgspec.Struct, frozen=True, eq=False):
    """One prepared text: prefix applied, special tokens counted."""

    count: int
    truncated: bool
    payload: object
    """For the embedder that made it, opaque to everyone else."""


class Embedded(msgspec.Struct, frozen=True, eq=False):
    """The answer of one `embed` call: float32 [n, dimension], rows L2-normalised, and the tokens really computed."""

    vectors: Vectors
    tokens: int


class Endpoint(msgspec.Struct, frozen=True):
    """Where a door listens: `unix:/run/…/x.sock`, `http://127.0.0.1:50051`."""

    scheme: str
    address: str

    def __str__(self) -> str:
        return f"unix:{self.address}" if self.scheme == "unix" else f"{self.scheme}://{self.address}"


class Secret:
    """A value that never shows itself; `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that projects are shipped to."""

    name: str
    address: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A project, the host it goes to, and the absolute folder it takes there."""

    project: str
    host: Host
    path: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One probe of a host and what came of it."""

    name: str
    ok: bool
    detail: str = ""
    took_ms: float = 0.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a plan, in words and as the command that it runs."""

    what: str
    command: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a deploy would do. It is data: printed by a dry run, compared by tests, then applied."""

    target: Target
    steps: tuple[Step, ...]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One state a target has been in."""

    id: str
    target: Target
    deployed_at: float
