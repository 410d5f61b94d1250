"""The built-in plugins keep what any plugin promises: to be cheap to find, and to offer what can be configured.

What they offer is held to its contract beside its own tests: tests/unit/{onnx,hybrid,http,unix}/test_*_contract.py.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from patina.testing import PluginContract

UNIT = Path(__file__).parents[1] / "unit"


class TestOnnxPlugin(PluginContract):
    entry_point = "patina_onnx.plugin"


class TestRemotePlugin(PluginContract):
    entry_point = "patina_remote.plugin"


class TestHybridPlugin(PluginContract):
    entry_point = "patina_hybrid.plugin"


class TestHttpPlugin(PluginContract):
    entry_point = "patina_http.plugin"


class TestUnixPlugin(PluginContract):
    entry_point = "patina_unix.plugin"


def test_no_built_in_plugin_is_left_out() -> None:
    registered = {point for point in distribution("patina-daemon").entry_points if point.group == "patina"}
    tested = {cls.entry_point for cls in PluginContract.__subclasses__() if cls.__module__ == __name__}
    assert {point.value for point in registered} == tested
    contracts = {point.name: UNIT / point.name / f"test_{point.name}_contract.py" for point in registered}
    assert [name for name, file in contracts.items() if "Contract" not in file.read_text()] == []
