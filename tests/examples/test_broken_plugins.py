"""Plugins that are broken in every way: each is reported, and everything else goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ..environment import Environment

pytestmark = pytest.mark.package

SOUND = """
from patina import Offer, Settings, hookimpl

class Mine(Settings, frozen=True, kw_only=True):
    size: int = 1

@hookimpl
def patina_embedders():
    return [Offer(name="{name}", config=Mine, build=lambda _: None, about="Mine")]
"""
RAISES = "raise RuntimeError('the moon is in the wrong house')"
EXITS = "raise SystemExit('goodbye')"
JUNK = """
from patina import hookimpl

@hookimpl
def patina_embedders():
    return ["letters", None, 42]
"""
RAISES_LATER = """
from patina import hookimpl

@hookimpl
def patina_indexes():
    return 1 / 0
"""
MISTYPED = """
from patina import hookimpl

@hookimpl
def patina_embeders():
    return []
"""
OF_TOMORROW = "PATINA_API = 99"


class Shop:
    """A folder of distributions, as an installer would have left them."""

    def __init__(self, folder: Path, bare: Environment) -> None:
        self.folder = folder
        self._bare = bare

    def stock(self, distribution: str, source: str, *, name: str | None = None) -> None:
        """Install a distribution with one plugin, by default of the same name."""
        module = distribution.replace("-", "_")
        record = self.folder / f"{module}-1.0.dist-info"
        record.mkdir(parents=True)
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (record / "entry_points.txt").write_text(f"[patina]\n{name or distribution} = {module}\n")
        (self.folder / f"{module}.py").write_text(source)

    @property
    def environment(self) -> Environment:
        return self._bare.but(PYTHONPATH=str(self.folder))

    def configure(self, text: str) -> None:
        home = Path(self._bare.variables["PATINA_HOME"])
        home.mkdir(mode=0o700, exist_ok=True)
        (home / "config.toml").write_text(text)

    def plugins(self) -> dict[str, dict[str, Any]]:
        """What `patina plugins` says, by distribution and, for built-in ones, name."""
        found = json.loads(self.environment.run(self.environment.patina, "plugins", "--json").stdout)
        return {each["name"] if each["origin"] == "built-in" else each["distribution"]: each for each in found}


@pytest.fixture
def shop(tmp_path: Path, bare: Environment) -> Shop:
    return Shop(tmp_path / "shop", bare)


def assert_the_rest_works(shop: Shop) -> None:
    """The example's plugin greets, indexes and answers, whatever its neighbour does."""
    environment = shop.environment.but(PATINA_DEFAULTS_EMBEDDER="letters", PATINA_DEFAULTS_INDEX="exact")
    assert "Hello" in environment.run(environment.patina, "hello").stdout
    notes = shop.folder.parent / "notes"
    notes.mkdir()
    (notes / "lamp.md").write_text("The lamp stands on the window sill.")
    environment.run(environment.patina, "index", str(notes))
    found = environment.run(environment.patina, "scry", "lamp", "--all-repos", "--json").stdout
    assert json.loads(found)["hits"][0]["path"] == "lamp.md"


BROKEN = {
    "raises": (RAISES, "the moon is in the wrong house"),
    "exits": (EXITS, "goodbye"),
    "junk": (JUNK, "is no Offer"),
    "raises-later": (RAISES_LATER, "patina_indexes failed: ZeroDivisionError"),
    "mistyped": (MISTYPED, "Did you mean patina_embedders?"),
    "of-tomorrow": (OF_TOMORROW, "needs plugin API 99"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_reported(shop: Shop, name: str) -> None:
    source, complaint = BROKEN[name]
    shop.stock(name, source)
    plugins = shop.plugins()
    assert complaint in plugins[name]["error"]
    assert plugins[name]["offers"] == []
    assert {each for each, plugin in plugins.items() if plugin["error"]} == {name}


def test_broken_plugins_stop_nobody(shop: Shop) -> None:
    for name, (source, _) in BROKEN.items():
        shop.stock(name, source)
    listing = shop.environment.run(shop.environment.patina, "plugins").stdout
    assert all(f"! {name}: " in listing for name in BROKEN)
    assert_the_rest_works(shop)


def test_a_second_plugin_of_the_same_name_is_told_apart(shop: Shop) -> None:
    shop.stock("another-hello", SOUND.format(name="mine"), name="hello")
    plugins = shop.plugins()
    assert plugins["another-hello"]["offers"] == ["embedder mine"]
    assert "embedder letters" in plugins["patina-plugin-hello"]["offers"]


def test_a_built_in_plugin_keeps_its_name(shop: Shop) -> None:
    shop.stock("usurper", SOUND.format(name="onnx"))
    plugins = shop.plugins()
    assert plugins["onnx"]["offers"] == ["embedder onnx"]
    assert "onnx" in plugins["usurper"]["error"]


def test_of_two_third_parties_of_one_name_neither_is_used(shop: Shop) -> None:
    shop.stock("rival-one", SOUND.format(name="twin"))
    shop.stock("rival-two", SOUND.format(name="twin"))
    plugins = shop.plugins()
    for rival in ("rival-one", "rival-two"):
        assert "rival-one" in plugins[rival]["error"]
        assert "rival-two" in plugins[rival]["error"]
    chosen = shop.environment.but(PATINA_DEFAULTS_EMBEDDER="twin")
    refused = chosen.run(chosen.patina, "index", str(shop.folder), fails=True)
    assert refused.returncode == 2
    assert "rival-one" in refused.stderr


@pytest.mark.parametrize(
    "setting", ['only = ["hello", "http", "hybrid", "onnx", "unix"]', 'block = ["telltale"]'], ids=["only", "block"]
)
def test_what_is_not_allowed_is_never_imported(shop: Shop, setting: str) -> None:
    tale = shop.folder.parent / "tale"
    shop.stock("telltale", f"open({os.fspath(tale)!r}, 'w').close()")
    shop.configure(f"[plugins]\n{setting}\n")
    plugins = shop.plugins()
    assert plugins["telltale"]["blocked"]
    assert "Hello" in shop.environment.run(shop.environment.patina, "hello").stdout
    assert not tale.exists()
    shop.configure("")
    assert not shop.plugins()["telltale"]["blocked"]
    assert tale.exists(), "without the setting it is imported, so its absence above meant something"


def test_an_allow_list_that_names_nobody_says_so(shop: Shop) -> None:
    shop.configure('[plugins]\nonly = ["helo"]\n')
    refused = shop.environment.run(shop.environment.patina, "plugins", fails=True)
    assert refused.returncode == 2
    assert "hello" in refused.stderr
