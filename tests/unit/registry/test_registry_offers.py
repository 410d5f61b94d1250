"""Offers that are junk, and names that two plugins want."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import patina
from patina.config import Config, PluginSettings
from patina.errors import ConfigError, PluginError
from patina.registry import Plugin, Registry
from patina.registry.offers import MAX_OFFERS

Install = Callable[..., None]
Installed = Callable[[], list[EntryPoint]]


class Sound(patina.Settings, frozen=True, kw_only=True):
    size: int = 3


class Demanding(patina.Settings, frozen=True, kw_only=True):
    size: int


class Unreadable(patina.Settings, frozen=True, kw_only=True):
    size: "int | float | Unknown" = 3  # type: ignore[name-defined]  # noqa: F821


class Embedder:
    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def tokenize(self, texts: Any, kind: Any) -> Any: ...

    def embed(self, batch: Any) -> Any: ...

    def close(self) -> None: ...


def offer(name: Any = "echo", config: Any = Sound, build: Any = Embedder) -> Any:
    return patina.Offer(name=name, config=config, build=build)


class Offering:
    """A plugin whose hooks return what it was given."""

    def __init__(self, embedders: Any = (), transports: Any = ()) -> None:
        self._embedders = embedders
        self._transports = transports

    @patina.hookimpl
    def patina_embedders(self) -> Any:
        return self._embedders() if callable(self._embedders) else self._embedders

    @patina.hookimpl
    def patina_transports(self) -> Any:
        return self._transports


def loaded(**plugins: object) -> Registry:
    return Registry.load(entry_points=[], extra=plugins)


def error(registry: Registry, name: str) -> str:
    found = next(each for each in registry.plugins if each.name == name)
    return found.error or ""


def endless() -> Iterator[Any]:
    while True:
        yield offer()


def raising() -> Any:
    raise KeyError("x")


def halfway() -> Iterator[Any]:
    yield offer("half")
    raise ValueError("the rest is lost")


async def waiting() -> Any:
    return []


JUNK: dict[str, tuple[Any, str]] = {
    "a string": ("junk", "it returned str 'junk', not a list of offers."),
    "a number": (7, "it returned int 7, not a list of offers."),
    "a lone offer": (offer, "it returned Offer"),
    "a list of strings": (["junk"], "str 'junk' is no Offer."),
    "another kind of offer": (
        [patina.TransportOffer(name="t", config=Sound, listen=lambda _: None)],  # type: ignore[arg-type,return-value]
        "is no Offer.",
    ),
    "an exception": (raising, "patina_embedders failed: KeyError: 'x'."),
    "a coroutine": (waiting, "it is a coroutine, and hooks are synchronous."),
    "no end": (endless, f"it returned more than {MAX_OFFERS} offers."),
    "an error halfway": (halfway, "ValueError: the rest is lost."),
    "an upper-case name": ([offer("Echo")], "the name 'Echo' is not made of lower-case letters"),
    "a dotted name": ([offer("a.b")], "the name 'a.b' is not"),
    "an empty name": ([offer("")], "the name '' is not"),
    "a name that is no text": ([offer(3)], "the name 3 is not"),
    "a long name": ([offer("a" * 65)], "at most 64"),
    "settings of another family": ([offer(config=dict)], 'embedder "echo": its config dict is no subclass'),
    "settings that are an object": ([offer(config=Sound())], "is no subclass of patina.Settings."),
    "a setting without a default": ([offer(config=Demanding)], "its setting size has no default."),
    "settings of an unknown type": ([offer(config=Unreadable)], "Unreadable"),
    "a build that is none": ([offer(build=None)], "its build cannot be called."),
}


@pytest.mark.parametrize("case", JUNK)
def test_junk_is_reported_and_the_other_hook_of_the_plugin_works(case: str) -> None:
    junk, sentence = JUNK[case]
    wire = patina.TransportOffer(name="wire", config=Sound, listen=lambda _: None)  # type: ignore[arg-type,return-value]
    registry = loaded(junky=Offering(junk, [wire]), sound=Offering([offer("other")]))
    assert sentence in error(registry, "junky")
    assert "\n" not in error(registry, "junky")
    assert list(registry.embedders) == ["other"]
    assert list(registry.transports) == ["wire"]
    assert error(registry, "sound") == ""


def test_one_bad_offer_does_not_spoil_its_neighbours() -> None:
    registry = loaded(mixed=Offering([offer("good"), "junk", offer("Bad"), offer("fine")]))
    assert list(registry.embedders) == ["fine", "good"]
    assert "'junk' is no Offer" in error(registry, "mixed")
    assert "'Bad'" in error(registry, "mixed")


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_a_hook_may_offer_nothing(nothing: Any) -> None:
    assert error(loaded(quiet=Offering(nothing)), "quiet") == ""


@pytest.mark.parametrize(
    ("halves", "sentence"),
    [
        ({}, "it has neither listen nor dial."),
        ({"listen": 3}, "its listen or its dial cannot be called."),
        ({"dial": print, "schemes": "http"}, "its schemes are no tuple of texts."),
    ],
)
def test_a_transport_needs_a_way_in_or_out(halves: dict[str, Any], sentence: str) -> None:
    registry = loaded(lame=Offering((), [patina.TransportOffer(name="t", config=Sound, **halves)]))
    assert sentence in error(registry, "lame")
    assert registry.transports == {}


BOTH = """
import patina
class S(patina.Settings, frozen=True, kw_only=True):
    maker: str = "{maker}"
class Made:
    def __init__(self, settings): self.maker = settings.maker
    def tokenize(self, texts, kind): ...
    def embed(self, batch): ...
    def close(self): ...
@patina.hookimpl(tryfirst=True)
def patina_embedders():
    return [patina.Offer(name="onnx", config=S, build=Made), patina.Offer(name="{maker}", config=S, build=Made)]
"""


def by_distribution(registry: Registry) -> dict[str, Plugin]:
    return {each.distribution: each for each in registry.plugins}


def test_a_built_in_plugin_keeps_its_name(install: Install, installed: Installed) -> None:
    install("a-first", "onnx", BOTH.replace("{maker}", "stranger"))
    install("patina-daemon", "onnx", BOTH.replace("{maker}", "builtin"), version="9")
    registry = Registry.load(entry_points=installed())
    assert registry.embedder("onnx", Config()).maker == "builtin"  # type: ignore[attr-defined]
    plugins = by_distribution(registry)
    assert plugins["patina-daemon"].error is None
    assert "is the built-in plugin onnx (patina-daemon 9)'s" in str(plugins["a-first"].error)
    assert plugins["a-first"].offers == ["embedder stranger"]  # its other offer is used


def test_of_two_third_parties_neither_is_used_and_both_are_named(install: Install, installed: Installed) -> None:
    install("a-first", "one", BOTH.replace("{maker}", "one"))
    install("b-second", "two", BOTH.replace("{maker}", "two"))
    registry = Registry.load(entry_points=installed())
    assert list(registry.embedders) == ["one", "two"]
    for plugin in registry.plugins:
        assert "one (a-first 1.0) and two (b-second 1.0): none of them is used" in str(plugin.error)
    with pytest.raises(
        ConfigError, match=r'"onnx" is offered by one \(a-first 1.0\) and two \(b-second 1.0\)'
    ) as caught:
        registry.embedder("onnx", Config())
    assert caught.value.outcome.exit_code == 2
    blocked = Registry.load(PluginSettings(block=["two"]), entry_points=installed())
    assert blocked.embedder("onnx", Config()).maker == "one"  # type: ignore[attr-defined]


def test_one_name_may_be_of_several_kinds() -> None:
    wire = patina.TransportOffer(name="echo", config=Sound, listen=lambda _: None)  # type: ignore[arg-type,return-value]
    registry = loaded(a=Offering([offer("echo")]), b=Offering((), [wire]))
    assert (list(registry.embedders), list(registry.transports)) == (["echo"], ["echo"])


def test_a_plugin_that_offers_one_name_twice_is_reported() -> None:
    registry = loaded(twin=Offering([offer(), offer()]))
    assert registry.embedders == {}
    assert 'The embedder "echo" is offered by twin' in error(registry, "twin")


def test_what_is_built_must_keep_the_protocol() -> None:
    registry = loaded(p=Offering([offer(build=lambda _: None), offer("failing", build=lambda _: 1 / 0)]))
    with pytest.raises(PluginError, match=r'"echo" of the plugin p .* is no Embedder: it has no method'):
        registry.embedder("echo", Config())
    with pytest.raises(PluginError, match=r'Building "failing" of the plugin p .* failed: ZeroDivisionError'):
        registry.embedder("failing", Config())
