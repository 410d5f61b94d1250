"""A configuration as rows for a person: each setting, its value and where it came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import structs

from patina.config.settings import PLAIN, PLUGIN_KINDS, SECTIONS, Config
from patina.config.values import MASK, is_secret
from patina.types import Secret


class Row(msgspec.Struct, frozen=True):
    """One setting. `value` is what JSON can say; a secret that is set is "***"."""

    key: str
    value: Any
    origin: str


class PluginRows(Protocol):
    """The registry: it knows the plugins' settings, defaults too."""

    def rows(self, config: Config) -> list[Row]: ...


def rows(config: Config, registry: PluginRows | None = None) -> list[Row]:
    """Every setting in the files' order. Without a registry, of the plugins' settings only those that were written."""
    return [*_core(config), *(registry.rows(config) if registry else written(config))]


def written(config: Config) -> list[Row]:
    """The plugins' settings as they stand in files, flags and the environment, unchecked."""
    in_sections = [
        plain_row(f"{kind}.{name}.{field}", value, config.origin(f"{kind}.{name}.{field}"))
        for kind in PLUGIN_KINDS
        for name, section in getattr(config, kind).items()
        for field, value in section.items()
    ]
    return in_sections + [plain_row(name, value, f"environment {name}") for name, value in config.variables.items()]


def plain_row(key: str, value: object, origin: str) -> Row:
    return Row(key, _plain(key, value), origin)


def _core(config: Config) -> Iterator[Row]:
    for key in ("home", *PLAIN):
        yield plain_row(key, getattr(config, key), config.origin(key))
    for section in SECTIONS:
        for key, value in structs.asdict(getattr(config, section)).items():
            if (section, key) != ("defaults", "root"):
                yield plain_row(f"{section}.{key}", value, config.origin(f"{section}.{key}"))
    for name, pipeline in config.collections.items():
        for key, value in structs.asdict(pipeline).items():
            dotted = f"collections.{name}.{key}"
            yield plain_row(dotted, value, config.origins.get(dotted) or config.origin(f"defaults.{key}"))


def _plain(key: str, value: object) -> Any:
    if isinstance(value, Secret) or (value and isinstance(value, str) and is_secret(key)):
        return MASK
    if isinstance(value, dict):
        return {name: _plain(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(key, inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
