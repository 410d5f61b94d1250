"""Every hook, each with its promise.

Hooks *find* things, protocols (`patina.protocols`) *use* them. A hook is synchronous, cheap and free of side effects:
it returns offers, and whatever is heavy is imported inside an offer's `build`. There is no order and no first result:
the configuration chooses by name. A plugin is an object (usually a module) registered under the entry-point group
``patina``; it implements any of these with `patina.hookimpl`. Runnable examples: docs/reference/hooks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from patina._hooks import hookspec

if TYPE_CHECKING:  # hooks are found without importing what they hand over
    import cyclopts

    from patina.engine import Patina
    from patina.protocols import Deployer, Dialer, Door, Embedder, Index

T = TypeVar("T")
C = TypeVar("C")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plugin's settings derive from; each subclass repeats ``frozen=True, kw_only=True``."""


class Offer(msgspec.Struct, Generic[T, C], frozen=True, kw_only=True):
    """A named thing that a plugin can build from its settings.

    `config` is a `Settings` subclass in which every field has a default. Core decodes the plugin's section of the
    configuration into it and shows it in ``patina config show``.
    """

    name: str
    config: type[C]
    build: Callable[[C], T]
    about: str = ""


class TransportOffer(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A way in and a way out under one name, built apart: a client never imports a server.

    Either half may be missing. `schemes` are the endpoints that `dial` can reach: ("http", "https").
    """

    name: str
    config: type[C]
    listen: Callable[[C], Door] | None = None
    dial: Callable[[C], Dialer] | None = None
    schemes: tuple[str, ...] = ()
    about: str = ""


@hookspec
def patina_embedders() -> Iterable[Offer[Embedder, Any]]:  # type: ignore[empty-body]
    """Offer embedders: `[embedders.NAME]` holds the settings, a collection's `embedder = "NAME"` chooses."""


@hookspec
def patina_indexes() -> Iterable[Offer[Index, Any]]:  # type: ignore[empty-body]
    """Offer indexes: `[indexes.NAME]` holds the settings, a collection's `index = "NAME"` chooses.

    `build` is called once a collection.
    """


@hookspec
def patina_transports() -> Iterable[TransportOffer[Any]]:  # type: ignore[empty-body]
    """Offer transports: `[transports.NAME]` holds the settings, `patina serve --transport NAME` chooses."""


@hookspec
def patina_deployers() -> Iterable[Offer[Deployer, Any]]:  # type: ignore[empty-body]
    """Offer deployers: `[deployers.NAME]` holds the settings, a host's `type: NAME` chooses."""


@hookspec
def patina_commands(app: cyclopts.App) -> None:
    """Add commands: `app.command("my_plugin.cli:hello", name="hello", help="…")`.

    Pass an import string, not a function, and always `help=`: then `patina --help` imports nothing of yours.
    """


@hookspec
def patina_lifespan(engine: Patina) -> AbstractAsyncContextManager[None] | None:
    """Do something while an engine runs: entered once it can answer, left before it closes. None: nothing to do."""
