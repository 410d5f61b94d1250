"""The fakes as a plugin, for an engine that must not need a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina import Offer, Settings, TransportOffer, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patina.protocols import Deployer, Dialer, Door, Embedder, Index
    from patina.testing.embedder import FakeEmbedder
    from patina.testing.transport import FakeNetwork


class FakeEmbedderSettings(Settings, frozen=True, kw_only=True):
    """`[embedders.fake]`."""

    dimension: int = 64
    max_tokens: int = 512
    delay_s: float = 0.0


class NoSettings(Settings, frozen=True, kw_only=True):
    """A section without keys."""


class FakePlugin:
    """Offers one fake of every kind, each under the name "fake". `embedders` keeps those that it has built."""

    def __init__(self) -> None:
        self.embedders: list[FakeEmbedder] = []
        self._network: FakeNetwork | None = None

    @property
    def network(self) -> FakeNetwork:
        """What its doors and dialers have in common."""
        from patina.testing.transport import FakeNetwork

        self._network = self._network or FakeNetwork()
        return self._network

    @hookimpl
    def patina_embedders(self) -> Iterable[Offer[Embedder, Any]]:
        return [Offer(name="fake", config=FakeEmbedderSettings, build=self._embedder, about="A bag of hashed words")]

    @hookimpl
    def patina_indexes(self) -> Iterable[Offer[Index, Any]]:
        return [Offer(name="fake", config=NoSettings, build=_index, about="Exact, in memory")]

    @hookimpl
    def patina_transports(self) -> Iterable[TransportOffer[Any]]:
        return [
            TransportOffer(
                name="fake",
                config=NoSettings,
                listen=self._door,
                dial=self._dialer,
                schemes=("fake",),
                about="Within the process",
            )
        ]

    @hookimpl
    def patina_deployers(self) -> Iterable[Offer[Deployer, Any]]:
        return [Offer(name="fake", config=NoSettings, build=_deployer, about="Hosts made of memory")]

    def _embedder(self, settings: FakeEmbedderSettings) -> FakeEmbedder:
        from patina.testing.embedder import FakeEmbedder

        embedder = FakeEmbedder(dimension=settings.dimension, max_tokens=settings.max_tokens, delay_s=settings.delay_s)
        self.embedders.append(embedder)
        return embedder

    def _door(self, _: NoSettings) -> Door:
        from patina.testing.transport import FakeDoor

        return FakeDoor(self.network)

    def _dialer(self, _: NoSettings) -> Dialer:
        from patina.testing.transport import FakeDialer

        return FakeDialer(self.network)


def _index(_: NoSettings) -> Index:
    from patina.testing.index import FakeIndex

    return FakeIndex()


def _deployer(_: NoSettings) -> Deployer:
    from patina.testing.deployer import FakeDeployer

    return FakeDeployer()
