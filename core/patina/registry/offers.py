"""Offers: what plugins say they can build, checked one by one, and settled when two have one name."""

import inspect
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from patina.config.values import decoded
from patina.errors import PluginError
from patina.hookspecs import Offer, Settings, TransportOffer
from patina.protocols import Deployer, Embedder, Index
from patina.registry.plugins import Plugin, in_a_line

Noun: TypeAlias = Literal["embedder", "index", "transport", "deployer"]
AnyOffer: TypeAlias = Offer[Any, Any] | TransportOffer[Any]

MAX_OFFERS = 100
"""From one hook of one plugin."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Kind(NamedTuple):
    """A kind of thing that plugins offer."""

    noun: Noun
    section: str
    """Where its settings stand: [section.NAME]."""
    hook: str
    offer: type[Any]
    protocol: type[Any] | None = None
    """What its `build` must return; a transport's two halves return two different things."""


KINDS: dict[Noun, Kind] = {
    "embedder": Kind("embedder", "embedders", "patina_embedders", Offer, Embedder),
    "index": Kind("index", "indexes", "patina_indexes", Offer, Index),
    "transport": Kind("transport", "transports", "patina_transports", TransportOffer),
    "deployer": Kind("deployer", "deployers", "patina_deployers", Offer, Deployer),
}


class Claim(NamedTuple):
    """An offer and the plugin that makes it."""

    plugin: Plugin
    offer: Any
    """An `Offer`, or a `TransportOffer` where the kind is "transport"."""


def collected(plugin: Plugin, kind: Kind, hook: Callable[[], object]) -> list[Claim]:
    """The sound offers of one plugin's hook; each that is not sound is reported."""
    try:
        items = _listed(hook())
    except (Exception, SystemExit) as error:  # whatever a stranger's hook may raise
        plugin.report(f"{kind.hook} failed: {in_a_line(error)}")
        return []
    claims = []
    for item in items:
        fault = _fault(item, kind)
        if fault:
            plugin.report(f"{kind.hook}: {fault}")
        else:
            claims.append(Claim(plugin, item))
    return claims


def _listed(result: object) -> list[Any]:
    if result is None:
        return []
    if inspect.iscoroutine(result):
        result.close()
        raise PluginError("it is a coroutine, and hooks are synchronous.")
    if isinstance(result, str | bytes) or not isinstance(result, Iterable):
        raise PluginError(f"it returned {_named(result)}, not a list of offers.")
    items = list(islice(result, MAX_OFFERS + 1))
    if len(items) > MAX_OFFERS:
        raise PluginError(f"it returned more than {MAX_OFFERS} offers.")
    return items


def _fault(item: Any, kind: Kind) -> str | None:
    """What is wrong with an offer, in a sentence; None if nothing is."""
    if not isinstance(item, kind.offer):
        return f"{_named(item)} is no {kind.offer.__name__}."
    if not isinstance(item.name, str) or not _NAME.fullmatch(item.name):
        return f"the name {item.name!r} is not made of lower-case letters, digits, - and _ (at most 64)."
    what = f'{kind.noun} "{item.name}"'
    if isinstance(item, TransportOffer):
        fault = _transport_fault(item)
    else:
        fault = None if callable(item.build) else "its build cannot be called."
    fault = fault or _settings_fault(item.config)
    return f"{what}: {fault}" if fault else None


def _transport_fault(offer: TransportOffer[Any]) -> str | None:
    halves = [half for half in (offer.listen, offer.dial) if half is not None]
    if not halves:
        return "it has neither listen nor dial."
    if not all(map(callable, halves)):
        return "its listen or its dial cannot be called."
    if offer.dial and not (isinstance(offer.schemes, tuple) and all(isinstance(it, str) for it in offer.schemes)):
        return "its schemes are no tuple of texts."
    return None


def _settings_fault(config: Any) -> str | None:
    if not (isinstance(config, type) and issubclass(config, Settings)):
        return f"its config {_named(config)} is no subclass of patina.Settings."
    try:
        for field in msgspec.structs.fields(config):
            if field.required:
                return f"its setting {field.name} has no default."
        decoded({}, config)
    except Exception as error:  # a type that msgspec cannot decode, a default that cannot be made
        return f"its config {config.__name__} has no working defaults: {in_a_line(error)}"
    return None


def _named(thing: object) -> str:
    """What it is, and what it says if that is short and safe to ask for."""
    if isinstance(thing, type):
        return thing.__name__
    return f"{type(thing).__name__} {thing!r}"[:80] if isinstance(thing, str | int | float) else type(thing).__name__


def settled(noun: Noun, claims: Iterable[Claim]) -> tuple[dict[str, Claim], dict[str, str]]:
    """The claims by name, and a sentence for each name that several third parties claim: nobody gets that one.

    A built-in plugin keeps its name. Everyone who goes without is reported.
    """
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(claim.offer.name, []).append(claim)
    used: dict[str, Claim] = {}
    contested: dict[str, str] = {}
    for name, rivals in sorted(by_name.items()):
        first, *others = rivals  # built-in plugins come first
        if others and first.plugin.origin == "third party":
            contested[name] = _contest(noun, name, rivals)
            continue
        used[name] = first
        first.plugin.offers.append(f"{noun} {name}")
        for other in others:
            other.plugin.report(f'The {noun} "{name}" is the built-in plugin {first.plugin}\'s; this one is not used.')
    return used, contested


def _contest(noun: Noun, name: str, rivals: list[Claim]) -> str:
    who = " and ".join(str(claim.plugin) for claim in rivals)
    sentence = f'The {noun} "{name}" is offered by {who}: none of them is used.'
    for claim in rivals:
        claim.plugin.report(sentence)
    return sentence
