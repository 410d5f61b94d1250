"""Patina: one daemon on your machine that knows your code and documents.

The public names. They are loaded when they are first used, so that a command line that only asks a running daemon
does not pay for an engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patina._hooks import hookimpl as hookimpl
    from patina.client import Client as Client
    from patina.client.connect import connect as connect
    from patina.config import Config as Config
    from patina.engine import Patina as Patina
    from patina.hookspecs import Offer as Offer
    from patina.hookspecs import Settings as Settings
    from patina.hookspecs import TransportOffer as TransportOffer

_HOMES = {
    "Client": "patina.client",
    "Config": "patina.config",
    "Offer": "patina.hookspecs",
    "Patina": "patina.engine",
    "Settings": "patina.hookspecs",
    "TransportOffer": "patina.hookspecs",
    "connect": "patina.client",
    "hookimpl": "patina._hooks",
}

__all__ = [
    "Client",
    "Config",
    "Offer",
    "Patina",
    "Settings",
    "TransportOffer",
    "__version__",
    "connect",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'patina' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
