"""Every promise of the plugin contract, broken once: a suite that passes everything proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy
import pytest

from patina.testing import PluginContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """
from patina import Offer, Settings, TransportOffer, hookimpl

class Mine(Settings, frozen=True, kw_only=True):
    size: int = 1

def offer(**changes):
    return Offer(**{"name": "mine", "config": Mine, "build": lambda _: None, "about": "Mine"} | changes)
"""
SOUND = """
@hookimpl
def patina_embedders():
    return [offer()]

@hookimpl
def patina_transports():
    return [TransportOffer(name="mine", config=Mine, listen=lambda _: None, dial=lambda _: None, schemes=("mine",),
                           about="Mine")]

@hookimpl
def patina_commands(app):
    app.command("json.tool:main", name="json", help="Format JSON.")
"""


def embedders(body: str) -> str:
    return f"@hookimpl\ndef patina_embedders():\n    return {body}\n"


def transports(body: str) -> str:
    return f"@hookimpl\ndef patina_transports():\n    return {body}\n"


def commands(body: str) -> str:
    return f"@hookimpl\ndef patina_commands(app):\n    {body}\n"


CAUGHT: dict[str, tuple[str, str]] = {
    "heavy at import": ("import numpy\n" + embedders("[offer()]"), "test_finding_it_imports_nothing_heavy"),
    "heavy in a hook": (embedders("[__import__('numpy') and offer()]"), "test_finding_it_imports_nothing_heavy"),
    "fails at import": ("raise OSError('no')", "test_finding_it_imports_nothing_heavy"),
    "a server to dial": (
        transports("[TransportOffer(name='m', config=Mine, dial=lambda _: __import__('uvicorn'), schemes=('m',))]"),
        "test_dialing_imports_no_server",
    ),
    "mistyped hook": ("@hookimpl\ndef patina_embeders():\n    return []\n", "test_its_hooks_exist"),
    "mistyped argument": ("@hookimpl\ndef patina_commands(application):\n    ...\n", "test_its_hooks_exist"),
    "unmarked hook": ("def patina_embedders():\n    return [offer()]\n", "test_its_hooks_exist"),
    "of tomorrow": ("PATINA_API = 2\n" + embedders("[offer()]"), "test_it_speaks_this_api"),
    "waits": ("@hookimpl\nasync def patina_embedders():\n    return []\n", "test_hooks_return_at_once"),
    "junk": (embedders("['mine']"), "test_offers_are_well_formed"),
    "odd name": (embedders("[offer(name='My Embedder!')]"), "test_offers_are_well_formed"),
    "says nothing": (embedders("[offer(about='')]"), "test_offers_are_well_formed"),
    "builds nothing": (embedders("[offer(build=None)]"), "test_what_is_built_can_be_called"),
    "no way": (transports("[TransportOffer(name='m', config=Mine)]"), "test_what_is_built_can_be_called"),
    "nowhere": (
        transports("[TransportOffer(name='m', config=Mine, dial=print)]"),
        "test_what_is_built_can_be_called",
    ),
    "twice": (embedders("[offer(), offer()]"), "test_names_are_used_once"),
    "wants an answer": (
        "class Asking(Settings, frozen=True, kw_only=True):\n    size: int\n" + embedders("[offer(config=Asking)]"),
        "test_settings_have_defaults",
    ),
    "other settings": (embedders("[offer(config=dict)]"), "test_settings_have_defaults"),
    "swallows typos": (
        "class Lax(Settings, frozen=True, kw_only=True, forbid_unknown_fields=False):\n    size: int = 1\n"
        + embedders("[offer(config=Lax)]"),
        "test_settings_refuse_unknown_keys",
    ),
    "imports a command": (commands("app.command(print, name='p', help='P.')"), "test_commands_are_named_not_imported"),
    "no help": (commands("app.command('json.tool:main', name='j')"), "test_commands_are_named_not_imported"),
    "no such command": (
        commands("app.command('json.tool:mian', name='j', help='J.')"),
        "test_commands_are_named_not_imported",
    ),
}


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[[str], object]:
    """A contract suite for a plugin whose module is `source`."""
    monkeypatch.syspath_prepend(tmp_path)
    name = "sample_" + "".join(filter(str.isalnum, request.node.name))

    def make(source: str) -> object:
        (tmp_path / f"{name}.py").write_text(HEAD + source)
        return type("Suite", (PluginContract,), {"entry_point": name})()

    return make


@pytest.mark.parametrize("name", CAUGHT)
def test_it_is_caught(name: str, suite: Callable[[str], object], run: Callable[[object, str], None]) -> None:
    source, test = CAUGHT[name]
    caught = (AssertionError, TypeError, pytest.fail.Exception, pluggy.PluginValidationError)
    with pytest.raises(caught):
        run(suite(source), test)


def test_a_sound_plugin_passes(suite: Callable[[str], object], run: Callable[[object, str], None]) -> None:
    sound = suite(SOUND)
    for test in _promises():
        run(sound, test)


def test_every_promise_can_be_broken() -> None:
    assert {test for _, test in CAUGHT.values()} == _promises()


def _promises() -> set[str]:
    return {name for name in dir(PluginContract) if name.startswith("test_")}
