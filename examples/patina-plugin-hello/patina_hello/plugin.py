"""What the entry point names: one function a kind of thing that Patina can be given.

Every `patina` command may look here, so nothing but offers is made: each `_…` below imports what it builds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patina import Offer, TransportOffer, hookimpl
from patina_hello.settings import IndexSettings, LettersSettings, LineSettings, ShelfSettings

if TYPE_CHECKING:
    import cyclopts

    from patina.protocols import Deployer, Dialer, Door, Embedder, Index

PATINA_API = 1


@hookimpl
def patina_embedders() -> Iterable[Offer[Embedder, LettersSettings]]:
    yield Offer(name="letters", config=LettersSettings, build=_letters, about="Texts are near that share letters")


@hookimpl
def patina_indexes() -> Iterable[Offer[Index, IndexSettings]]:
    yield Offer(name="exact", config=IndexSettings, build=_exact, about="Compares a question with every passage")


@hookimpl
def patina_transports() -> Iterable[TransportOffer[LineSettings]]:
    yield TransportOffer(
        name="line",
        config=LineSettings,
        listen=_line_door,
        dial=_line_dialer,
        schemes=("line",),
        about="One request a line over loopback TCP, to be typed by hand",
    )


@hookimpl
def patina_deployers() -> Iterable[Offer[Deployer, ShelfSettings]]:
    yield Offer(name="shelf", config=ShelfSettings, build=_shelf, about="Copies a project to a folder nearby")


@hookimpl
def patina_commands(app: cyclopts.App) -> None:
    app.command("patina_hello.cli:hello", name="hello", help="Greet someone.")


def _letters(settings: LettersSettings) -> Embedder:
    from patina_hello.letters import LettersEmbedder

    return LettersEmbedder(settings)


def _exact(settings: IndexSettings) -> Index:
    from patina_hello.exact import ExactIndex

    return ExactIndex(settings)


def _line_door(settings: LineSettings) -> Door:
    from patina_hello.line_door import LineDoor

    return LineDoor(settings)


def _line_dialer(_: LineSettings) -> Dialer:
    from patina_hello.line_dialer import LineDialer

    return LineDialer()


def _shelf(settings: ShelfSettings) -> Deployer:
    from patina_hello.shelf import ShelfDeployer

    return ShelfDeployer(settings)
