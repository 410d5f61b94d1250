"""The fakes keep the promises that they stand in for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina.testing import (
    DeployerContract,
    DialerContract,
    DoorContract,
    EmbedderContract,
    FakeDeployer,
    FakeDialer,
    FakeDoor,
    FakeEmbedder,
    FakeIndex,
    FakeNetwork,
    FakePlugin,
    IndexContract,
    PluginContract,
)

if TYPE_CHECKING:
    from pathlib import Path

    from patina.protocols import Deployer
    from patina.types import Target


class TestFakeEmbedder(EmbedderContract):
    def embedder(self) -> FakeEmbedder:
        return FakeEmbedder()


class TestFakeIndex(IndexContract):
    def index(self) -> FakeIndex:
        return FakeIndex()


class TestFakeTransport(DoorContract, DialerContract):
    network = FakeNetwork()

    def door(self, folder: Path) -> FakeDoor:
        return FakeDoor(self.network)

    def dialer(self) -> FakeDialer:
        return FakeDialer(self.network)


class TestFakeDeployer(DeployerContract):
    def deployer(self) -> FakeDeployer:
        return FakeDeployer()

    async def edit(self, deployer: Deployer, target: Target, path: str, content: bytes) -> None:
        assert isinstance(deployer, FakeDeployer)
        deployer.hosts[target.host.name, target.path][path] = content


class TestFakePlugin(PluginContract):
    entry_point = "patina.testing.plugin"

    def plugin(self) -> FakePlugin:
        return FakePlugin()
