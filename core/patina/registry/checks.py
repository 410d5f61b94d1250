"""What a configuration says about plugins, compared with what is installed."""

from collections.abc import Iterator, Mapping

from msgspec import structs

from patina.config import Config
from patina.config.environment import variable
from patina.config.values import suggestion
from patina.registry.offers import KINDS, AnyOffer, Kind, Noun
from patina.registry.sections import problems

_ALIKE = 0.85
"""Variables share so much of their prefixes that nearly everything is near everything."""


def variables(kind: Kind, offer: AnyOffer) -> set[str]:
    """The environment's names for an offer's settings."""
    return {variable(f"{kind.section}.{offer.name}.{field.name}") for field in structs.fields(offer.config)}


def unknown(config: Config, offers: Mapping[Noun, Mapping[str, AnyOffer]], absent: bool) -> Iterator[str]:
    """A sentence for each section and variable that belongs to nothing.

    With `absent` plugins (blocked, broken) what resembles nothing installed may be theirs and is let pass.
    """
    known = {name for noun, kind in KINDS.items() for it in offers[noun].values() for name in variables(kind, it)}
    for name in sorted(config.variables.keys() - known):
        near = suggestion(name, known, _ALIKE)
        if near or not absent:
            yield f"{name} (environment) is no setting of an installed plugin.{near}"
    for noun, kind in KINDS.items():
        for name in sorted(getattr(config, kind.section).keys() - offers[noun].keys()):
            near = suggestion(name, offers[noun])
            if near or not absent:
                installed = ", ".join(sorted(offers[noun])) or "none"
                yield f"[{kind.section}.{name}]: there is no {noun} of this name.{near} Installed: {installed}."


def wrong(config: Config, offers: Mapping[Noun, Mapping[str, AnyOffer]]) -> Iterator[str]:
    """A sentence for each section that its plugin's settings do not take."""
    for noun, kind in KINDS.items():
        for offer in offers[noun].values():
            yield from problems(kind, offer, config)
