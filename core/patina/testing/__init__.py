"""What the authors of plugins test with: a fake of every protocol, and a contract suite for every protocol.

A fake is a small true implementation without a model, a file or a socket to wait for; each passes the contract suite of
its protocol. A contract suite is a class of pytest tests: subclass it and say how to make the thing under test.

    from patina.testing import EmbedderContract

    class TestHello(EmbedderContract):
        def embedder(self) -> HelloEmbedder:
            return HelloEmbedder()

The suites need pytest and nothing beyond it; the fakes do not need pytest either. `patina.testing.fixtures` holds
pytest fixtures: name it in ``pytest_plugins``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patina.testing._engine import engine as engine
    from patina.testing.contracts.deployer import DeployerContract as DeployerContract
    from patina.testing.contracts.embedder import EmbedderContract as EmbedderContract
    from patina.testing.contracts.index import IndexContract as IndexContract
    from patina.testing.contracts.plugin import PluginContract as PluginContract
    from patina.testing.contracts.transport import DialerContract as DialerContract
    from patina.testing.contracts.transport import DoorContract as DoorContract
    from patina.testing.deployer import FakeDeployer as FakeDeployer
    from patina.testing.embedder import FakeEmbedder as FakeEmbedder
    from patina.testing.index import FakeIndex as FakeIndex
    from patina.testing.plugin import FakePlugin as FakePlugin
    from patina.testing.service import FakeService as FakeService
    from patina.testing.transport import FakeDialer as FakeDialer
    from patina.testing.transport import FakeDoor as FakeDoor
    from patina.testing.transport import FakeNetwork as FakeNetwork

_HOMES = {
    "DeployerContract": "patina.testing.contracts.deployer",
    "DialerContract": "patina.testing.contracts.transport",
    "DoorContract": "patina.testing.contracts.transport",
    "EmbedderContract": "patina.testing.contracts.embedder",
    "FakeDeployer": "patina.testing.deployer",
    "FakeDialer": "patina.testing.transport",
    "FakeDoor": "patina.testing.transport",
    "FakeEmbedder": "patina.testing.embedder",
    "FakeIndex": "patina.testing.index",
    "FakeNetwork": "patina.testing.transport",
    "FakePlugin": "patina.testing.plugin",
    "FakeService": "patina.testing.service",
    "IndexContract": "patina.testing.contracts.index",
    "PluginContract": "patina.testing.contracts.plugin",
    "engine": "patina.testing._engine",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'patina.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
