"""Every setting of the core, with its type, its bounds and its default."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from patina.config.durations import Duration
from patina.config.values import decoded, failure, shown
from patina.places import DEFAULT_HOME, absolute
from patina.types import Secret

Count: TypeAlias = Annotated[int, Meta(ge=1)]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Weight: TypeAlias = Annotated[float, Meta(ge=0, le=1000)]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"\A[^\0]*\Z")]
Wait: TypeAlias = Annotated[float, Meta(ge=0, le=31_536_000)]
Section: TypeAlias = dict[str, dict[str, Any]]


class DaemonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[daemon]: the process that answers."""

    host: Text = "127.0.0.1"
    port: Port = 50051
    """0 picks a free one."""
    keep_alive: Duration = "5m"
    """How long an idle model stays in memory; `seconds` reads it."""
    max_memory_mb: Count = 2048
    require_key: bool = False
    """Whether a key is needed on this machine's own addresses too; elsewhere it always is."""
    transports: Annotated[list[Text], Meta(min_length=1, max_length=100)] = msgspec.field(
        default_factory=lambda: ["http", "unix"]
    )
    idle_exit_s: Wait = 1800.0
    """When a daemon that a command started by itself ends again."""
    drain_timeout_s: Wait = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    workers: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Model threads; 0 is one a core."""
    queue_tokens: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 250_000
    """What may wait for one model; a request beyond it is refused with when to come again."""
    cache_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 64
    """For vectors that were computed lately; 0 keeps none."""
    cache_ttl_s: Wait = 3600.0


class PipelineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[defaults] and each [collections.NAME]: how text becomes chunks, vectors and ranked lists."""

    embedder: Text = "onnx"
    index: Text = "hybrid"
    chunk_tokens: Annotated[int, Meta(ge=16, le=8192)] = 400
    chunk_overlap_tokens: Annotated[int, Meta(ge=0, le=4096)] = 0
    rrf_k: Annotated[int, Meta(ge=1, le=10_000)] = 60
    weights: dict[str, Weight] = {}
    """What an arm's vote counts, by its name; 1 where it is not given."""
    adapt_weights: bool = True
    """Whether the lexical arm counts less for a question whose words its best candidates do not hold."""
    use_context: bool = True
    """Whether such a question's passages are judged together with their documents, and a file named once at first."""
    root: Text | None = None
    """The absolute folder that a collection's paths are relative to; only in [collections.NAME]."""


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[models]: what models may be called."""

    aliases: dict[str, Text] = {}
    """Other names for models, for clients that cannot be told ours: alias = model."""


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[ingest]: what is taken in."""

    max_file_bytes: Count = 2_000_000
    """A larger file is skipped and counted."""
    near_duplicates: Literal["keep", "skip", "replace"] = "keep"
    """What becomes of a document that says nearly the same as another one of its collection."""
    near_duplicate_bits: Annotated[int, Meta(ge=0, le=3)] = 3
    """In how many bits of 64 their fingerprints differ at most."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[store]: how writes are gathered into commits."""

    batch_chunks: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """What one commit takes in; a write that is larger gets one of its own."""
    batch_bytes: Annotated[int, Meta(ge=1, le=1 << 30)] = 8 << 20
    commit_interval_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    """How long a write may wait for others to share its commit; 0 waits for none that is not there yet."""
    queue_chunks: Annotated[int, Meta(ge=1, le=1_000_000)] = 4096
    """What may wait for its commit; then whoever writes waits."""
    queue_bytes: Annotated[int, Meta(ge=1, le=1 << 32)] = 64 << 20


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[plugins]: which plugins may be loaded, each named by its entry point or its distribution."""

    only: list[Text] | None = None
    """Nothing else is imported, built-in plugins included."""
    block: list[Text] = []


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "daemon": DaemonSettings,
    "defaults": PipelineSettings,
    "models": ModelSettings,
    "ingest": IngestSettings,
    "store": StoreSettings,
    "plugins": PluginSettings,
}
PLUGIN_KINDS = ("embedders", "indexes", "transports", "deployers")
PLAIN: dict[str, Any] = {
    "auto_start": bool,
    "model_cache": Path | None,
    "socket": Path | None,
    "mothership": str | None,
    "key": Secret | None,
}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an engine, a door or a client must know. `Config(home="./x")` reads no file and no environment.

    Raises `ConfigError` listing every value out of bounds.
    """

    home: Path = Path(DEFAULT_HOME)
    daemon: DaemonSettings = DaemonSettings()
    defaults: PipelineSettings = PipelineSettings()
    collections: dict[str, PipelineSettings] = {}
    models: ModelSettings = ModelSettings()
    ingest: IngestSettings = IngestSettings()
    store: StoreSettings = StoreSettings()
    plugins: PluginSettings = PluginSettings()
    embedders: Section = {}
    indexes: Section = {}
    transports: Section = {}
    deployers: Section = {}
    model_cache: Path | None = None
    auto_start: bool = True
    """Whether a command that finds no daemon starts one."""
    socket: Path | None = None
    mothership: str | None = None
    """The daemon elsewhere that commands ask: host, host:port, URL or unix:PATH."""
    key: Secret | None = None
    origins: dict[str, str] = {}
    """Where each setting that is not a default came from, by its dotted key; ask `origin`."""
    variables: dict[str, str] = {}
    """PATINA_EMBEDDERS_… and the like: only the registry knows which plugin's setting each one means."""
    notes: list[str] = []
    """What was left out on purpose, in sentences."""

    if TYPE_CHECKING:  # the same fields, but a path may be given as text

        def __init__(  # noqa: PLR0913
            self,
            *,
            home: str | Path = DEFAULT_HOME,
            daemon: DaemonSettings = ...,
            defaults: PipelineSettings = ...,
            collections: dict[str, PipelineSettings] = ...,
            models: ModelSettings = ...,
            ingest: IngestSettings = ...,
            store: StoreSettings = ...,
            plugins: PluginSettings = ...,
            embedders: Section = ...,
            indexes: Section = ...,
            transports: Section = ...,
            deployers: Section = ...,
            model_cache: str | Path | None = None,
            auto_start: bool = True,
            socket: str | Path | None = None,
            mothership: str | None = None,
            key: Secret | None = None,
            origins: dict[str, str] = ...,
            variables: dict[str, str] = ...,
            notes: list[str] = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("home", "model_cache", "socket"):
            if (place := getattr(self, name)) is not None:
                force_setattr(self, name, Path(absolute(str(place))))
        pipelines = {"defaults": self.defaults, **{f"collections.{name}": p for name, p in self.collections.items()}}
        plain = {name: getattr(self, name) for name in ("daemon", "models", "ingest", "store", "plugins")}
        sections = {**plain, **pipelines}
        problems = [sentence for name, section in sections.items() for sentence in out_of_bounds(name, section)]
        problems = problems or contradictions(pipelines)
        if problems:
            raise failure(problems)

    def __repr__(self) -> str:
        return f"Config(home={str(self.home)!r})"  # plugin sections may hold secrets

    @property
    def data(self) -> Path:
        """What must not be lost: the store."""
        return self.home / "data"

    @property
    def cache(self) -> Path:
        """What is made again when it is missing."""
        return self.home / "cache"

    @property
    def model_folder(self) -> Path:
        return self.model_cache or self.cache / "models"

    def pipeline(self, collection: str) -> PipelineSettings:
        """A collection's settings; one without a section has the defaults."""
        return self.collections.get(collection, self.defaults)

    def origin(self, key: str) -> str:
        """Where a dotted key's value came from: "default", a file's path, "environment NAME" or "flag"."""
        return self.origins.get(key, "default")

    def plugin_section(self, kind: str, name: str) -> dict[str, Any]:
        """[kind.name] as it was written; empty if it was not."""
        sections: Section = getattr(self, kind)
        return sections.get(name, {})


def out_of_bounds(name: str, section: msgspec.Struct) -> list[str]:
    """A sentence for each value of a section that is not what its field expects."""
    problems = []
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        try:
            decoded(value, field.type)
        except ValueError as expectation:
            problems.append(f"{name}.{field.name}: expected {expectation}, found {shown(field.name, value)}.")
    return problems


def contradictions(pipelines: dict[str, PipelineSettings]) -> list[str]:
    """A sentence for each pair of values that cannot both hold; keys are the sections' names."""
    return [
        f"{name}.chunk_overlap_tokens: expected less than chunk_tokens ({pipeline.chunk_tokens}), "
        f"found {pipeline.chunk_overlap_tokens}."
        for name, pipeline in pipelines.items()
        if pipeline.chunk_overlap_tokens >= pipeline.chunk_tokens
    ]
