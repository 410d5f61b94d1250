"""The entry point: offers the transport "http" and imports neither half of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patina import TransportOffer, hookimpl
from patina_http.settings import HttpSettings

if TYPE_CHECKING:
    from patina.protocols import Dialer, Door

PATINA_API = 1


@hookimpl
def patina_transports() -> Iterable[TransportOffer[HttpSettings]]:
    yield TransportOffer(
        name="http",
        config=HttpSettings,
        listen=_door,
        dial=_dialer,
        schemes=("http", "https"),
        about="HTTP on the loopback address: OpenAI's /v1, Patina's /api.",
    )


def _door(settings: HttpSettings) -> Door:
    from patina_http.door import HttpDoor  # a client does not pay for a server

    return HttpDoor(settings)


def _dialer(settings: HttpSettings) -> Dialer:
    from patina_http.dialer import HttpDialer  # a server does not pay for a client

    return HttpDialer(settings)
