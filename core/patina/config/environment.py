"""The environment as a layer: PATINA_DAEMON_PORT is daemon.port, and so on for every setting."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import structs

from patina.config.layers import Setting, known_keys
from patina.config.settings import PLUGIN_KINDS, PipelineSettings
from patina.config.values import suggestion

_READ_APART = ("PATINA_HOME", "PATINA_MOTHER")


def variable(key: str) -> str:
    """The environment's name for a dotted key."""
    return "PATINA_" + re.sub(r"[^A-Z0-9]", "_", key.upper())


def patina_variables(env: Mapping[str, str]) -> dict[str, str]:
    """What the environment says about Patina. An empty variable counts as one that is not set."""
    return {name: value for name, value in sorted(env.items()) if name.startswith("PATINA_") and value}


def for_plugins(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables whose key only the registry can tell: it knows which names are installed."""
    prefixes = tuple(f"{variable(kind)}_" for kind in PLUGIN_KINDS)
    return {name: value for name, value in variables.items() if name.startswith(prefixes)}


def settings(variables: Mapping[str, str], collections: Iterable[str], folder: Path) -> Iterator[Setting]:
    """The variables of the core as a layer. One that stands for nothing is left to `problems`."""
    keys = {variable(key): key for key in known_keys(collections)}
    keys["PATINA_MOTHER"] = "mothership"
    ours = variables.keys() - for_plugins(variables).keys() - {"PATINA_HOME"}
    for name in sorted(ours):
        key = keys.get(name) or _new_collection(name)
        if key:
            yield Setting(key, variables[name], f"environment {name}", folder, text=True)


def problems(variables: Mapping[str, str], collections: Iterable[str]) -> list[str]:
    """A sentence for each variable that stands for nothing, and for two that disagree."""
    known = {variable(key) for key in known_keys(collections)} | set(_READ_APART)
    unknown = [
        f"{name} (environment) is no setting.{suggestion(name, known)}"
        for name in variables.keys() - known - for_plugins(variables).keys()
        if not _new_collection(name)
    ]
    if len({variables[name] for name in ("PATINA_MOTHERSHIP", "PATINA_MOTHER") if name in variables}) > 1:
        unknown.append("PATINA_MOTHERSHIP and PATINA_MOTHER (environment) disagree; set the first one only.")
    return sorted(unknown)


def _new_collection(name: str) -> str | None:
    """PATINA_COLLECTIONS_NOTES_INDEX: the setting of a collection that no file mentions."""
    for field in structs.fields(PipelineSettings):
        found = re.fullmatch(rf"PATINA_COLLECTIONS_(.+)_{field.name.upper()}", name)
        if found:
            return f"collections.{found.group(1).lower()}.{field.name}"
    return None
