"""The registry: everything that is installed, and the only place that chooses among it."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as installed_entry_points
from typing import TYPE_CHECKING, Any, cast

import pluggy

from patina import hookspecs
from patina.config import Config, PluginSettings, Row
from patina.config.show import written
from patina.config.values import failure, suggestion
from patina.errors import ConfigError, PatinaError, PluginError
from patina.hookspecs import Offer, Settings, TransportOffer
from patina.protocols import Deployer, Dialer, Door, Embedder, Index
from patina.registry.checks import unknown, variables, wrong
from patina.registry.offers import KINDS, Claim, Noun, collected, settled
from patina.registry.plugins import Plugin, admit, block, candidates, in_a_line
from patina.registry.sections import section

if TYPE_CHECKING:
    import cyclopts

    from patina.engine import Patina


class Registry:
    """The installed plugins and their offers. `load` makes one; nothing is built before it is asked for."""

    def __init__(self, manager: pluggy.PluginManager, plugins: list[Plugin]) -> None:
        self.plugins = sorted(plugins, key=lambda plugin: (plugin.name, plugin.key))
        self._manager = manager
        self._by_key = {plugin.key: plugin for plugin in plugins}
        self._claims: dict[Noun, dict[str, Claim]] = {}
        self._contested: dict[Noun, dict[str, str]] = {}
        for noun, kind in KINDS.items():
            claims = [claim for plugin, hook in self._hooks(kind.hook) for claim in collected(plugin, kind, hook)]
            self._claims[noun], self._contested[noun] = settled(noun, claims)

    @classmethod
    def load(
        cls,
        settings: PluginSettings | None = None,
        entry_points: Iterable[EntryPoint] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> "Registry":
        """Import what is installed under the entry-point group "patina" and what [plugins] does not keep out.

        `extra` are plugin objects that the calling program hands in, by name; `entry_points` replaces what is
        installed. A broken third-party plugin is reported in `plugins`; a broken built-in one raises `PluginError`.
        """
        points = installed_entry_points(group="patina") if entry_points is None else entry_points
        found = candidates(points, extra or {})
        block(found, settings or PluginSettings())
        manager = pluggy.PluginManager("patina")
        manager.add_hookspecs(hookspecs)
        for candidate in found:
            if not candidate.plugin.blocked:
                admit(manager, candidate)
        return cls(manager, [candidate.plugin for candidate in found])

    def _hooks(self, hook: str) -> list[tuple[Plugin, Callable[..., Any]]]:
        """Each plugin that implements a hook, with its function: called one by one, so that each fails alone."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        found = [(self._by_key[it.plugin_name], it.function) for it in caller.get_hookimpls()]
        return sorted(found, key=lambda pair: pair[0].rank)

    # -- what there is

    @property
    def embedders(self) -> Mapping[str, Offer[Embedder, Any]]:
        return self._offers("embedder")

    @property
    def indexes(self) -> Mapping[str, Offer[Index, Any]]:
        return self._offers("index")

    @property
    def transports(self) -> Mapping[str, TransportOffer[Any]]:
        return self._offers("transport")

    @property
    def deployers(self) -> Mapping[str, Offer[Deployer, Any]]:
        return self._offers("deployer")

    def _offers(self, noun: Noun) -> dict[str, Any]:
        return {name: claim.offer for name, claim in self._claims[noun].items()}

    # -- choosing

    def embedder(self, name: str, config: Config) -> Embedder:
        """Build the embedder of this name. Raises `ConfigError` for the name or a setting, else `PluginError`."""
        return cast("Embedder", self._built("embedder", name, config))

    def index(self, name: str, config: Config) -> Index:
        """Build an index of this name: one a collection."""
        return cast("Index", self._built("index", name, config))

    def deployer(self, name: str, config: Config) -> Deployer:
        return cast("Deployer", self._built("deployer", name, config))

    def door(self, name: str, config: Config, **overrides: Any) -> Door:
        """Build a transport's way in; `overrides` are its settings by name and win; None leaves one alone."""
        claim = self._claim("transport", name)
        if claim.offer.listen is None:
            raise ConfigError(f'The transport "{name}" of {claim.plugin} has no door: it only reaches out.')
        given = {key: value for key, value in overrides.items() if value is not None}
        settings = section(KINDS["transport"], claim.offer, config, given).settings
        return cast("Door", self._made(claim, Door, claim.offer.listen, settings))

    def dialer(self, scheme: str, config: Config) -> Dialer:
        """Build what reaches endpoints of a scheme: "unix", "http". A built-in transport comes before others."""
        dialing = [claim for claim in self._claims["transport"].values() if claim.offer.dial]
        able = [claim for claim in dialing if scheme in claim.offer.schemes]
        if not able:
            known = sorted({scheme for claim in dialing for scheme in claim.offer.schemes})
            raise ConfigError(
                f'No installed transport reaches "{scheme}:" endpoints.{suggestion(scheme, known)}',
                hint=f"Installed: {', '.join(known) or 'none'}.",
            )
        able.sort(key=lambda claim: claim.plugin.origin)
        if len(able) > 1 and able[0].plugin.origin == "third party":
            who = " and ".join(str(claim.plugin) for claim in able)
            raise ConfigError(f'"{scheme}:" endpoints are reached by {who}.', hint="Block all but one in [plugins].")
        claim = able[0]
        settings = section(KINDS["transport"], claim.offer, config).settings
        return cast("Dialer", self._made(claim, Dialer, claim.offer.dial, settings))

    def _built(self, noun: Noun, name: str, config: Config) -> object:
        claim = self._claim(noun, name)
        kind = KINDS[noun]
        return self._made(claim, kind.protocol, claim.offer.build, section(kind, claim.offer, config).settings)

    def _made(self, claim: Claim, protocol: Any, build: Callable[[Any], object], settings: Settings) -> object:
        what = f'"{claim.offer.name}" of the plugin {claim.plugin}'
        try:
            made = build(settings)
        except PatinaError:
            raise
        except Exception as error:
            raise PluginError(f"Building {what} failed: {in_a_line(error)}") from error
        for method in _methods(protocol):
            if not callable(getattr(made, method, None)):
                raise PluginError(f"{what} is no {protocol.__name__}: it has no method {method}.")
        return made

    def _claim(self, noun: Noun, name: str) -> Claim:
        """Who offers this. Raises `ConfigError` saying what is installed instead."""
        if name in self._claims[noun]:
            return self._claims[noun][name]
        if name in self._contested[noun]:
            raise ConfigError(self._contested[noun][name], hint="Block all but one in [plugins].", param=noun)
        known = sorted(self._claims[noun])
        raise ConfigError(
            f'There is no {noun} "{name}".{suggestion(name, known)}{self._absent(name)}',
            hint=f"Installed: {', '.join(known) or 'none'}.",
            param=noun,
        )

    def _absent(self, name: str) -> str:
        """Why the plugin that goes by this name offers nothing, if there is one."""
        for plugin in self.plugins:
            if plugin.goes_by(name) and plugin.blocked:
                return f" The plugin {plugin} is kept out by [plugins]."
            if plugin.goes_by(name) and plugin.error:
                return f" The plugin {plugin} is broken: {plugin.error}"
        return ""

    # -- settings

    def settings(self, noun: Noun, name: str, config: Config) -> Settings:
        """What an offer's `build` gets. Raises a `ConfigError` that lists every problem of its section."""
        return section(KINDS[noun], self._claim(noun, name).offer, config).settings

    def rows(self, config: Config) -> list[Row]:
        """Every setting of every offer, for `patina config show`; a section that is wrong stands as it was written."""
        raw = {row.key: row for row in written(config)}
        rows: dict[str, Row] = {}
        for noun, kind in KINDS.items():
            for offer in self._offers(noun).values():
                try:
                    rows |= {row.key: row for row in section(kind, offer, config).rows()}
                except ConfigError:
                    continue
                raw = {key: row for key, row in raw.items() if key not in variables(kind, offer)}
        return [*rows.values(), *(row for key, row in raw.items() if key not in rows)]

    def check(self, config: Config) -> None:
        """Every plugin section, variable and chosen name of a configuration; raises one `ConfigError` for all.

        A transport that [plugins] keeps out is no mistake before somebody wants to open its door.
        """
        offers = {noun: self._offers(noun) for noun in KINDS}
        absent = any(plugin.blocked or plugin.error for plugin in self.plugins)
        found = [*unknown(config, offers, absent), *wrong(config, offers), *self._unchosen(config)]
        if found:
            raise failure(list(dict.fromkeys(found)))

    def _unchosen(self, config: Config) -> Iterator[str]:
        """A sentence for each name in the configuration that nothing answers to."""
        pipelines = {"defaults": config.defaults}
        pipelines |= {f"collections.{name}": pipeline for name, pipeline in config.collections.items()}
        kept_out = [plugin for plugin in self.plugins if plugin.blocked]
        wanted = [it for it in config.daemon.transports if not any(plugin.goes_by(it) for plugin in kept_out)]
        names: list[tuple[str, Noun, str]] = [("daemon.transports", "transport", name) for name in wanted]
        for key, pipeline in pipelines.items():
            names += [(f"{key}.embedder", "embedder", pipeline.embedder), (f"{key}.index", "index", pipeline.index)]
        for key, noun, name in names:
            try:
                self._claim(noun, name)
            except ConfigError as error:
                yield f"{key}: {error}"

    # -- what plugins do by themselves

    def commands(self, app: "cyclopts.App") -> None:
        """Let every plugin add its commands; one that fails is reported in `plugins`."""
        for plugin, hook in self._hooks("patina_commands"):
            self._attempted(plugin, "patina_commands", hook, app)

    def lifespans(self, engine: "Patina") -> list[AbstractAsyncContextManager[None]]:
        """What plugins do while an engine runs, not yet entered; one that fails is reported in `plugins`."""
        spans = []
        for plugin, hook in self._hooks("patina_lifespan"):
            span = self._attempted(plugin, "patina_lifespan", hook, engine)
            if isinstance(span, AbstractAsyncContextManager):
                spans.append(span)
            elif span is not None:
                plugin.report(f"patina_lifespan: {type(span).__name__} is no asynchronous context manager.")
        return spans

    def _attempted(self, plugin: Plugin, name: str, hook: Callable[..., Any], argument: object) -> Any:
        try:
            return hook(argument) if inspect.signature(hook).parameters else hook()
        except (Exception, SystemExit) as error:  # whatever a stranger's hook may raise
            plugin.report(f"{name} failed: {in_a_line(error)}")
            return None


def _methods(protocol: type[Any]) -> list[str]:
    """A protocol's methods. Its properties are not looked at: asking for one may do work."""
    return [name for name, it in vars(protocol).items() if inspect.isfunction(it) and not name.startswith("_")]
