"""The layers of a configuration and how they lie on each other:

defaults < the user's file < the project's file < the environment < flags.

Each layer is read into `Setting`s; a `Draft` lays them down in order, remembers where each value came from, and
collects every problem, so that a person corrects all of them in one go.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, structs

from patina.config.settings import PLAIN, PLUGIN_KINDS, SECTIONS, Config, PipelineSettings, contradictions
from patina.config.values import failure, shown, suggestion, taken
from patina.places import absolute

NAMED = ("collections", *PLUGIN_KINDS)
"""The sections that hold a table for each of the user's names."""
_PATHS = ("model_cache", "socket")


class Setting(NamedTuple):
    """One value as one layer has it, under its dotted key: "daemon.port", "collections.notes.root"."""

    key: str
    value: object
    origin: str
    folder: Path
    """What a relative path in `value` is relative to."""
    text: bool = False
    """Whether numbers and lists are written as text, as in the environment."""


def parts(key: str) -> tuple[str, str, str]:
    """A key's section, the name within it ("" for most) and its last word. Names may contain dots."""
    section, _, rest = key.partition(".")
    name, _, field = rest.rpartition(".")
    return section, name, field


def known_keys(collections: Iterable[str] = ()) -> dict[str, Any]:
    """Every dotted key of the core with its type; those of the plugins belong to the registry."""
    pipelines = {f"collections.{name}": PipelineSettings for name in collections}
    sections: dict[str, type[Struct]] = {**SECTIONS, **pipelines}
    keys = {f"{name}.{field.name}": field.type for name, struct in sections.items() for field in structs.fields(struct)}
    del keys["defaults.root"]  # a folder belongs to one collection
    return {**PLAIN, **keys}


def flattened(document: Mapping[str, Any], origin: str, folder: Path) -> Iterator[Setting]:
    """A file's tables as settings. What is no table although one is due comes out whole, under the table's name."""
    for section, body in document.items():
        if section in NAMED and isinstance(body, dict):
            for name, table in body.items():
                yield from _rows(f"{section}.{name}", table, origin, folder)
        elif section in SECTIONS:
            yield from _rows(section, body, origin, folder)
        else:
            yield Setting(section, body, origin, folder)


def _rows(prefix: str, table: object, origin: str, folder: Path) -> Iterator[Setting]:
    if not isinstance(table, dict):
        yield Setting(prefix, table, origin, folder)
        return
    for key, value in table.items():
        yield Setting(f"{prefix}.{key}", value, origin, folder)


class Draft:
    """A configuration in the making. Lay the weakest layer first."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.notes: list[str] = []
        self.problems: list[str] = []

    def lay(self, settings: Iterable[Setting]) -> None:
        """Lay one layer over what is there; a setting that cannot be taken becomes a problem."""
        for setting in settings:
            try:
                self.values[setting.key] = _taken(setting)
            except ValueError as problem:
                self.problems.append(str(problem))
            else:
                self.origins[setting.key] = setting.origin

    def config(self) -> Config:
        """Everything laid so far as one `Config`; raises a `ConfigError` that lists all problems."""
        defaults = PipelineSettings(**self._section("defaults"))
        collections = {name: structs.replace(defaults, **own) for name, own in self._named("collections").items()}
        pipelines = {"defaults": defaults, **{f"collections.{name}": p for name, p in collections.items()}}
        problems = self.problems + contradictions(pipelines)
        if problems:
            raise failure(problems)
        fields: dict[str, Any] = {key: self.values[key] for key in PLAIN if key in self.values}
        fields |= {name: struct(**self._section(name)) for name, struct in SECTIONS.items()}
        fields |= {kind: self._named(kind) for kind in PLUGIN_KINDS}
        fields |= {"home": self.home, "defaults": defaults, "collections": collections}
        return Config(origins=self.origins, variables=self.variables, notes=self.notes, **fields)

    def _section(self, section: str) -> dict[str, Any]:
        return {parts(key)[2]: value for key, value in self.values.items() if parts(key)[:2] == (section, "")}

    def _named(self, section: str) -> dict[str, dict[str, Any]]:
        named: dict[str, dict[str, Any]] = {}
        for key, value in self.values.items():
            first, name, field = parts(key)
            if first == section:
                named.setdefault(name, {})[field] = value
        return named


def _taken(setting: Setting) -> Any:
    """The value as its key wants it. Raises `ValueError` with the whole sentence."""
    section, name, field = parts(setting.key)
    if section in PLUGIN_KINDS and name:
        return setting.value  # checked by the registry, which knows the plugin
    known = known_keys([name] if section == "collections" and name else [])
    if setting.key not in known:
        raise ValueError(_unknown(setting, known))
    value = taken(setting.key, setting.value, known[setting.key], origin=setting.origin, text=setting.text)
    if value is not None and (field == "root" or setting.key in _PATHS):
        return type(value)(absolute(str(value), str(setting.folder)))
    return value


def _unknown(setting: Setting, known: Iterable[str]) -> str:
    section, name, field = parts(setting.key)
    if isinstance(setting.value, dict) and not field:
        return f"[{section}] ({setting.origin}) is no section.{suggestion(section, (*SECTIONS, *NAMED))}"
    if (section in NAMED and not name) or setting.key in SECTIONS:
        return f"{setting.key} ({setting.origin}): expected a table, found {shown(setting.key, setting.value)}."
    return f"{setting.key} ({setting.origin}) is no setting.{suggestion(setting.key, known)}"
