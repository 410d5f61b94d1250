"""Plugins that load, and the many that do not: each is reported, and the others go on."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import patina
from patina.config import Config, PluginSettings
from patina.errors import ConfigError, PluginError
from patina.registry import Plugin, Registry

Install = Callable[..., None]
Installed = Callable[[], list[EntryPoint]]

SOUND = """
import patina
class EchoSettings(patina.Settings, frozen=True, kw_only=True):
    size: int = 3
class Echo:
    def __init__(self, settings):
        self.settings = settings
    def tokenize(self, texts, kind): ...
    def embed(self, batch): ...
    def close(self): ...
@patina.hookimpl
def patina_embedders():
    yield patina.Offer(name="{offer}", config=EchoSettings, build=Echo)
"""


def sound(offer: str = "echo") -> str:
    return SOUND.replace("{offer}", offer)


def plugin(registry: Registry, name: str) -> Plugin:
    return next(each for each in registry.plugins if each.name == name)


def test_an_installed_distribution_is_found_beside_the_built_in_plugins(install: Install) -> None:
    install("patina-plugin-echo", "echo", sound(), version="2.1")
    registry = Registry.load()  # what Python itself finds on its path
    found = plugin(registry, "echo")
    assert (found.distribution, found.version, found.origin) == ("patina-plugin-echo", "2.1", "third party")
    assert (found.hooks, found.offers, found.error) == (["patina_embedders"], ["embedder echo"], None)
    assert found.load_ms > 0
    assert {"echo", "onnx"} <= registry.embedders.keys()
    assert plugin(registry, "onnx").origin == "built-in"
    assert [each.name for each in registry.plugins] == sorted(each.name for each in registry.plugins)


BROKEN = {
    "raises at import": ("raise RuntimeError('no\\nluck')", "RuntimeError: no luck."),
    "exits at import": ("import sys; sys.exit(3)", "SystemExit: 3."),
    "misses a module": ("import there_is_no_such_module", "ModuleNotFoundError: No module named"),
    "has a syntax error": ("def", "SyntaxError:"),
    "mistypes a hook": (
        "import patina\n@patina.hookimpl\ndef patina_embeders(): return []",
        "patina_embeders is no hook. Did you mean patina_embedders?",
    ),
    "asks for a wrong argument": (
        "import patina\n@patina.hookimpl\ndef patina_commands(application): ...",
        "patina_commands asks for the argument application; the hook has app.",
    ),
    "asks for an argument of a hook that has none": (
        "import patina\n@patina.hookimpl\ndef patina_indexes(app): ...",
        "patina_indexes asks for the argument app; the hook has none.",
    ),
    "forgets the mark": (
        "def patina_embedders(): return []",
        "patina_embedders is not marked with @patina.hookimpl.",
    ),
    "wraps a hook": (
        "import patina\n@patina.hookimpl(wrapper=True)\ndef patina_embedders(): return (yield)",
        "patina_embedders is a wrapper",
    ),
    "is for a later Patina": ("PATINA_API = 2", "It needs plugin API 2 and this Patina has 1. Upgrade patina-daemon."),
    "has an API that is no number": ("PATINA_API = 'one'", "PATINA_API is 'one', no whole number."),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_reported_on_one_line_and_the_rest_goes_on(
    install: Install, installed: Installed, case: str
) -> None:
    code, error = BROKEN[case]
    install("a-broken", "broken", code)
    install("b-sound", "sound", sound())
    registry = Registry.load(entry_points=installed())
    broken = plugin(registry, "broken")
    assert broken.error is not None
    assert error in broken.error
    assert "\n" not in broken.error
    assert (broken.hooks, broken.offers) == ([], [])
    assert plugin(registry, "sound").error is None
    assert list(registry.embedders) == ["echo"]


def test_an_entry_point_without_a_target_is_reported(site: Path, install: Install, installed: Installed) -> None:
    install("a-gone", "gone")
    (site / "a_gone_gone.py").unlink()
    assert "No module named 'a_gone_gone'" in str(plugin(Registry.load(entry_points=installed()), "gone").error)


def test_a_broken_built_in_plugin_is_fatal(install: Install, installed: Installed) -> None:
    install("patina-daemon", "onnx", "import there_is_no_such_module")
    with pytest.raises(PluginError, match=r"built-in plugin onnx .* is broken: ModuleNotFoundError"):
        Registry.load(entry_points=installed())


@pytest.mark.parametrize("name", ["loud", "patina-loud"])
@pytest.mark.parametrize("way", ["block", "only"])
def test_what_is_kept_out_is_never_imported(install: Install, installed: Installed, name: str, way: str) -> None:
    install("patina-loud", "loud", "raise SystemExit('imported')")
    install("patina-sound", "sound", sound())
    settings = PluginSettings(block=[name]) if way == "block" else PluginSettings(only=["sound"])
    registry = Registry.load(settings, entry_points=installed())
    loud = plugin(registry, "loud")
    assert (loud.blocked, loud.error, loud.load_ms) == (True, None, 0.0)
    assert "patina_loud_loud" not in sys.modules
    assert list(registry.embedders) == ["echo"]


def test_the_allow_list_holds_for_built_in_plugins_too(install: Install, installed: Installed) -> None:
    install("patina-daemon", "onnx", sound("onnx"))
    install("patina-sound", "sound", sound())
    registry = Registry.load(PluginSettings(only=["sound"]), entry_points=installed())
    assert list(registry.embedders) == ["echo"]
    assert Registry.load(PluginSettings(only=[]), entry_points=installed()).embedders == {}
    with pytest.raises(ConfigError, match=r'There is no embedder "onnx".*kept out by \[plugins\].*Installed: echo'):
        registry.embedder("onnx", Config())


def test_an_allow_list_with_an_unknown_name_is_refused(install: Install, installed: Installed) -> None:
    install("patina-sound", "sound", sound())
    with pytest.raises(ConfigError, match=r'"sond", which is not installed\. Did you mean sound\?.*Installed: sound'):
        Registry.load(PluginSettings(only=["sond"]), entry_points=installed())


def test_two_distributions_with_one_entry_point_name_are_two_plugins(install: Install, installed: Installed) -> None:
    install("patina-one", "same", sound("one"))
    install("patina-two", "same", sound("two"))
    registry = Registry.load(entry_points=installed())
    assert [each.distribution for each in registry.plugins] == ["patina-one", "patina-two"]
    assert [each.error for each in registry.plugins] == [None, None]
    assert list(registry.embedders) == ["one", "two"]


class _Handed:
    @patina.hookimpl
    def patina_embedders(self) -> list[patina.Offer[object, patina.Settings]]:
        return [patina.Offer(name="handed", config=patina.Settings, build=lambda settings: settings)]


def test_a_host_program_hands_in_objects(install: Install, installed: Installed) -> None:
    install("patina-sound", "sound", sound())
    only = PluginSettings(only=["sound"])
    registry = Registry.load(only, entry_points=installed(), extra={"mine": _Handed()})
    assert list(registry.embedders) == ["echo", "handed"]
    assert plugin(registry, "mine").distribution == "the host program"
