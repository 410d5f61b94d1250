"""An engine that needs no model, for the tests of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from patina.config import Config, PipelineSettings
from patina.engine import Patina
from patina.testing.plugin import FakePlugin


def engine(
    home: Path, plugins: Mapping[str, object] | None = None, *, embedder: str = "fake", index: str = "fake"
) -> Patina:
    """An engine over `home` with the fakes and your own plugin objects, by name; start it with ``async with``.

    `embedder` and `index` are the offers that every collection uses.
    """
    defaults = PipelineSettings(embedder=embedder, index=index)
    return Patina(Config(home=home, defaults=defaults), plugins={"fakes": FakePlugin(), **(plugins or {})})
