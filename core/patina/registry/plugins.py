"""Plugins: found through entry points, let in one by one, and reported when they break.

Our own loader: pluggy's stops at the first broken plugin and lets two of one name displace each other.
"""

import inspect
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import EntryPoint
from typing import Literal, NamedTuple

import msgspec
import pluggy

from patina import hookspecs
from patina.config import PluginSettings
from patina.config.values import suggestion
from patina.errors import ConfigError, PluginError

logger = logging.getLogger(__name__)

API = 1
"""What a plugin may ask for with `PATINA_API`."""
BUILT_IN = "patina-daemon"
HOST_PROGRAM = "the host program"
_MAX_ERROR = 300


class Plugin(msgspec.Struct, kw_only=True):
    """What `patina plugins` says of one plugin."""

    name: str
    distribution: str
    version: str
    origin: Literal["built-in", "third party"]
    hooks: list[str] = []
    offers: list[str] = []
    """What can be chosen: "embedder onnx"."""
    load_ms: float = 0.0
    error: str | None = None
    """What is wrong with it, on one line. What it does right is used all the same."""
    blocked: bool = False
    """Not imported, because of [plugins] `only` or `block`."""

    def __str__(self) -> str:
        return f"{self.name} ({' '.join(filter(None, [self.distribution, self.version]))})"

    @property
    def key(self) -> str:
        """Unlike the name this is the plugin's alone."""
        return f"{self.distribution}:{self.name}"

    @property
    def rank(self) -> tuple[str, str, str]:
        """Built-in plugins go first, then names decide: never the order of installation."""
        return self.origin, self.name, self.distribution

    def goes_by(self, name: str) -> bool:
        """Whether a person who says `name` means this plugin."""
        return name in (self.name, self.distribution)

    def report(self, problem: str) -> None:
        """Note what is wrong; a problem of a built-in plugin is an error of the installation."""
        if self.origin == "built-in":
            raise PluginError(f"The built-in plugin {self} is broken: {problem}", hint="Install patina-daemon again.")
        logger.info("plugin %s: %s", self, problem)
        if problem not in (self.error or ""):
            self.error = f"{self.error} {problem}" if self.error else problem


class Candidate(NamedTuple):
    """A plugin that is known by name and not yet imported."""

    plugin: Plugin
    load: Callable[[], object]


def candidates(entry_points: Iterable[EntryPoint], extra: Mapping[str, object]) -> list[Candidate]:
    """What is installed, and what the host program hands in: built-in plugins first, then by name."""
    installed = [Candidate(_described(entry_point), entry_point.load) for entry_point in entry_points]
    handed = [Candidate(_handed_in(name), partial(extra.get, name)) for name in extra]
    return sorted(installed + handed, key=lambda candidate: candidate.plugin.rank)


def _handed_in(name: str) -> Plugin:
    return Plugin(name=name, distribution=HOST_PROGRAM, version="", origin="third party")


def _described(entry_point: EntryPoint) -> Plugin:
    dist = entry_point.dist
    distribution = dist.name.lower().replace("_", "-") if dist else "unknown distribution"
    return Plugin(
        name=entry_point.name,
        distribution=distribution,
        version=dist.version if dist else "",
        origin="built-in" if distribution == BUILT_IN else "third party",
    )


def block(found: list[Candidate], settings: PluginSettings) -> None:
    """Mark what [plugins] keeps out. Raises `ConfigError` if `only` names what is not installed."""
    installed = [candidate.plugin for candidate in found if candidate.plugin.distribution != HOST_PROGRAM]
    for name in settings.only or []:
        if not any(plugin.goes_by(name) for plugin in installed):
            names = sorted({plugin.name for plugin in installed})
            raise ConfigError(
                f'plugins.only names "{name}", which is not installed.{suggestion(name, names)}',
                hint=f"Installed: {', '.join(names) or 'none'}.",
                param="plugins.only",
            )
    for plugin in installed:
        allowed = settings.only is None or any(map(plugin.goes_by, settings.only))
        plugin.blocked = not allowed or any(map(plugin.goes_by, settings.block))


def admit(manager: pluggy.PluginManager, candidate: Candidate) -> None:
    """Import one plugin and register it if it keeps to the hooks; what goes wrong stays with that plugin."""
    plugin, load = candidate
    started = time.perf_counter()
    try:
        subject = load()
        check_api(subject)
        plugin.hooks = marked_hooks(manager, subject)
        manager.register(subject, name=plugin.key)
    except (Exception, SystemExit) as error:  # whatever a stranger's module may raise
        plugin.hooks = []
        plugin.report(in_a_line(error))
    plugin.load_ms = round((time.perf_counter() - started) * 1000, 3)


def check_api(subject: object) -> None:
    """Raises `PluginError` for a plugin that was written for a later Patina."""
    asked = getattr(subject, "PATINA_API", API)
    if not isinstance(asked, int):
        raise PluginError(f"PATINA_API is {asked!r}, no whole number.")
    if asked > API:
        raise PluginError(f"It needs plugin API {asked} and this Patina has {API}.", hint="Upgrade patina-daemon.")


def marked_hooks(manager: pluggy.PluginManager, subject: object) -> list[str]:
    """The hooks that a plugin implements. Raises `PluginError` for one that would never be called as it is written."""
    known = [name for name in vars(hookspecs) if name.startswith("patina_")]
    hooks = []
    for name in dir(subject):
        options = manager.parse_hookimpl_opts(subject, name)
        if options is None:
            if name in known and not hasattr(getattr(subject, name), "patina_spec"):
                raise PluginError(f"{name} is not marked with @patina.hookimpl.")
            continue
        hook = options.get("specname") or name
        if hook not in known:
            raise PluginError(f"{hook} is no hook.{suggestion(hook, known)}")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(f"{hook} is a wrapper, and Patina's hooks are not wrapped.")
        _check_arguments(hook, getattr(subject, name))
        hooks.append(hook)
    return sorted(hooks)


def _check_arguments(hook: str, function: Callable[..., object]) -> None:
    given = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty and parameter.name not in given:
            has = f"has {', '.join(given)}" if given else "has none"
            raise PluginError(f"{hook} asks for the argument {parameter.name}; the hook {has}.")


def in_a_line(error: BaseException) -> str:
    """An error as one line of bounded length."""
    if isinstance(error, PluginError):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text[:_MAX_ERROR]}…" if len(text) > _MAX_ERROR else f"{text.rstrip('.')}."
