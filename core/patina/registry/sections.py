"""A plugin's section of the configuration, decoded into its `Settings`."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from msgspec import structs

from patina.config import Config, Row, socket_path
from patina.config.environment import variable
from patina.config.show import plain_row
from patina.config.values import decoded, failure, suggestion, taken
from patina.errors import ConfigError
from patina.hookspecs import Settings
from patina.registry.offers import AnyOffer, Kind

ARGUMENT = "argument"
"""The origin of a value that the calling code gave."""


class Section(NamedTuple):
    """[kind.name] in full: every setting, and where each came from that is not a default."""

    key: str
    settings: Settings
    origins: dict[str, str]

    def rows(self) -> list[Row]:
        return [
            plain_row(f"{self.key}.{name}", value, self.origins.get(name, "default"))
            for name, value in structs.asdict(self.settings).items()
        ]


class _Given(NamedTuple):
    value: object
    origin: str
    text: bool


def section(kind: Kind, offer: AnyOffer, config: Config, overrides: Mapping[str, Any] | None = None) -> Section:
    """What the files, the environment, flags and `overrides` say, over what Patina fills in, over the defaults.

    Raises a `ConfigError` that lists every problem.
    """
    key = f"{kind.section}.{offer.name}"
    given = _given(kind, offer, config)
    given |= {name: _Given(value, ARGUMENT, text=False) for name, value in (overrides or {}).items()}
    values, found = _decoded(key, offer, given)
    if found:
        raise failure(found, param=key)
    origins = {name: it.origin for name, it in given.items()}
    for name, source in _filled(kind, offer, config, values).items():
        values[name], origins[name] = source
    return Section(key, _made(key, offer, values), origins)


def problems(kind: Kind, offer: AnyOffer, config: Config) -> list[str]:
    """A sentence for everything that `section` would raise."""
    _, found = _decoded(f"{kind.section}.{offer.name}", offer, _given(kind, offer, config))
    if found:
        return found
    try:
        section(kind, offer, config)
    except ConfigError as error:
        return [str(error)]
    return []


def _decoded(key: str, offer: AnyOffer, given: Mapping[str, _Given]) -> tuple[dict[str, Any], list[str]]:
    """The values by field, and a sentence for each that cannot be taken."""
    fields = {field.name: field for field in structs.fields(offer.config)}
    values = {}
    found = []
    for name, (value, origin, text) in given.items():
        if name not in fields:
            found.append(f"{key}.{name} ({origin}) is no setting.{suggestion(name, fields)}")
            continue
        try:
            values[name] = taken(f"{key}.{name}", value, fields[name].type, origin=origin, text=text)
        except ValueError as problem:
            found.append(str(problem))
    return values, found


def _made(key: str, offer: AnyOffer, values: dict[str, Any]) -> Settings:
    try:
        settings: Settings = offer.config(**values)
    except (TypeError, ValueError) as error:  # the plugin's own __post_init__ objects
        raise ConfigError(f"[{key}]: {error}", param=key) from None
    return settings


def _given(kind: Kind, offer: AnyOffer, config: Config) -> dict[str, _Given]:
    """Values by field: a flag beats the environment, which beats the files."""
    given = {}
    for name, value in config.plugin_section(kind.section, offer.name).items():
        origin = config.origins.get(f"{kind.section}.{offer.name}.{name}", ARGUMENT)
        given[name] = _Given(value, origin, text=origin == "flag")
    for field in structs.fields(offer.config):
        name = variable(f"{kind.section}.{offer.name}.{field.name}")
        is_flag = field.name in given and given[field.name].origin == "flag"
        if name in config.variables and not is_flag:
            given[field.name] = _Given(config.variables[name], f"environment {name}", text=True)
    return given


def _filled(kind: Kind, offer: AnyOffer, config: Config, values: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """What Patina knows better than a plugin: settings of these names whose value and default are empty.

    By name: the value and the setting that it follows.
    """
    known: dict[str, tuple[Callable[[], Any], str]] = {
        "home": (lambda: str(config.home), "home"),
        "model_cache": (lambda: str(config.model_folder), "model_cache"),
    }
    if kind.noun == "transport":
        known |= {
            "host": (lambda: config.daemon.host, "daemon.host"),
            "require_key": (lambda: config.daemon.require_key, "daemon.require_key"),
            "port": (lambda: config.daemon.port, "daemon.port"),
            "socket": (lambda: str(socket_path(config)), "socket"),
        }
    filled = {}
    for field in structs.fields(offer.config):
        if field.name in known and field.name not in values and field.default in (None, "", 0):
            value, source = known[field.name]
            with suppress(ValueError):  # the plugin means something else by this name
                filled[field.name] = decoded(value(), field.type), f"as {source}"
    return filled
