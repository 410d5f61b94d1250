"""The entry point: offers the transport "unix" and imports neither half of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patina import TransportOffer, hookimpl
from patina_unix.settings import UnixSettings

if TYPE_CHECKING:
    from patina.protocols import Dialer, Door

PATINA_API = 1


@hookimpl
def patina_transports() -> Iterable[TransportOffer[UnixSettings]]:
    yield TransportOffer(
        name="unix",
        config=UnixSettings,
        listen=_door,
        dial=_dialer,
        schemes=("unix",),
        about="Framed messages over a Unix socket that only you can open.",
    )


def _door(settings: UnixSettings) -> Door:
    from patina_unix.door import UnixDoor  # a client does not pay for a server

    return UnixDoor(settings)


def _dialer(settings: UnixSettings) -> Dialer:
    from patina_unix.dialer import UnixDialer  # a server does not pay for a client

    return UnixDialer(settings)
