"""What every plugin promises: to be cheap to find, and to offer what can be built and configured."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import msgspec
import pluggy
import pytest

from patina import hookspecs
from patina.hookspecs import Offer, Settings, TransportOffer

API = 1
HEAVY = frozenset(
    {"numpy", "onnxruntime", "tokenizers", "litestar", "uvicorn", "hnswlib", "tantivy", "asyncssh", "cyclopts"}
)
SERVERS = frozenset({"litestar", "uvicorn"})
OFFERING = ("patina_embedders", "patina_indexes", "patina_transports", "patina_deployers")
NAME = re.compile("[a-z][a-z0-9_-]{0,39}")
ABOUT_CHARACTERS = 120

_FIND = """
import importlib, json, sys
module, _, attribute = sys.argv[1].partition(":")
plugin = importlib.import_module(module)
plugin = getattr(plugin, attribute) if attribute else plugin
offers = [offer for hook in sys.argv[2].split(",") if hasattr(plugin, hook) for offer in getattr(plugin, hook)()]
if sys.argv[3] == "dial":
    dialers = [offer.dial(offer.config()) for offer in offers if getattr(offer, "dial", None)]
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


class PluginContract:
    """Subclass it, and set `entry_point` to what the plugin's pyproject.toml registers: "package.plugin"."""

    entry_point: str

    def plugin(self) -> Any:
        module, _, attribute = self.entry_point.partition(":")
        plugin = importlib.import_module(module)
        return getattr(plugin, attribute) if attribute else plugin

    def offers(self) -> list[tuple[str, Offer[Any, Any] | TransportOffer[Any]]]:
        """Every offer with the hook that it came from."""
        plugin = self.plugin()
        return [(hook, offer) for hook in OFFERING if hasattr(plugin, hook) for offer in getattr(plugin, hook)()]

    def test_finding_it_imports_nothing_heavy(self) -> None:
        """Every command looks for plugins first: what an offer needs is imported when it is built."""
        assert not HEAVY & self._imported("find")

    def test_dialing_imports_no_server(self) -> None:
        assert not SERVERS & self._imported("dial")

    def test_its_hooks_exist(self) -> None:
        manager = pluggy.PluginManager("patina")
        manager.add_hookspecs(hookspecs)
        plugin = self.plugin()
        manager.register(plugin)  # refuses an argument that the hook does not have
        manager.check_pending()  # refuses a name that is no hook
        assert manager.get_hookcallers(plugin), "it implements no hook: is `@hookimpl` missing?"

    def test_it_speaks_this_api(self) -> None:
        assert getattr(self.plugin(), "PATINA_API", API) <= API

    def test_hooks_return_at_once(self) -> None:
        plugin = self.plugin()
        for hook in OFFERING:
            if hasattr(plugin, hook):
                assert not inspect.iscoroutinefunction(getattr(plugin, hook)), f"{hook}: nobody awaits a hook"
                assert isinstance(getattr(plugin, hook)(), Iterable), hook

    def test_offers_are_well_formed(self) -> None:
        for hook, offer in self.offers():
            kind = TransportOffer if hook == "patina_transports" else Offer
            assert isinstance(offer, kind), f"{hook} returns {kind.__name__}, not {type(offer).__name__}"
            assert NAME.fullmatch(offer.name), offer.name
            assert len(offer.about) <= ABOUT_CHARACTERS, "`about` is one line"
            assert offer.about.strip(), f"{offer.name}: say what it is in `about`"

    def test_what_is_built_can_be_called(self) -> None:
        for _, offer in self.offers():
            if isinstance(offer, Offer):
                assert callable(offer.build)
            else:
                assert offer.listen or offer.dial, f"{offer.name}: neither a way in nor a way out"
                assert bool(offer.dial) == bool(offer.schemes), f"{offer.name}: `schemes` are what `dial` reaches"

    def test_names_are_used_once(self) -> None:
        names = [(hook, offer.name) for hook, offer in self.offers()]
        assert len(set(names)) == len(names)

    def test_settings_have_defaults(self) -> None:
        for _, offer in self.offers():
            assert issubclass(offer.config, Settings), offer.name
            settings = offer.config()
            assert msgspec.convert(msgspec.to_builtins(settings), offer.config) == settings, "it must survive a file"

    def test_settings_refuse_unknown_keys(self) -> None:
        for _, offer in self.offers():
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert({"no_such_setting": 1}, offer.config)

    def test_commands_are_named_not_imported(self) -> None:
        plugin = self.plugin()
        if not hasattr(plugin, "patina_commands"):
            return
        app = _Commands()
        plugin.patina_commands(app)
        for target, text in app.found:
            assert text.strip(), f"{target}: `patina --help` shows `help=`"
            module, _, function = target.partition(":")
            assert callable(getattr(importlib.import_module(module), function, None)), target

    def _imported(self, how: str) -> frozenset[str]:
        """The packages that a new interpreter holds once it has found the plugin."""
        found = subprocess.run(
            [sys.executable, "-c", _FIND, self.entry_point, ",".join(OFFERING), how],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        return frozenset(json.loads(found.stdout))


class _Commands:
    """Takes what `cyclopts.App.command` takes from a plugin, and imports nothing."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def command(self, target: object, *, name: str = "", help: str = "", **_: object) -> None:  # noqa: A002
        assert isinstance(target, str), f"{name or target}: pass an import string, so that --help imports nothing"
        self.found.append((target, help))
