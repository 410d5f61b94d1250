"""Where a daemon is, as a person writes it."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from patina.errors import ConfigError
from patina.types import Endpoint

DEFAULT_PORT = 50051
MAX_PORT = 65_535

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]\s]+\]|[^\[\]:/\s]+)(?::(?P<port>\d*))?")


def endpoint_of(text: str) -> Endpoint:
    """``host``, ``host:port``, a URL or ``unix:PATH`` as an endpoint; a host without a port gets `DEFAULT_PORT`.

    A URL is taken as it is: ``http://host`` means port 80, as everywhere. Raises `ConfigError`.
    """
    text = text.strip()
    if text.startswith("unix:"):
        return Endpoint("unix", _path(text))
    if url := _URL.fullmatch(text):
        return Endpoint(url[1].lower(), url[2].rstrip("/"))
    return Endpoint("http", _host_and_port(text))


def _path(text: str) -> str:
    path = text.removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path.startswith("/"):
        raise _unreadable(text, "A Unix socket is named by an absolute path.")
    return path


def _host_and_port(text: str) -> str:
    if _is_ipv6(text):
        return f"[{text}]:{DEFAULT_PORT}"
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        raise _unreadable(text)
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port <= MAX_PORT:
        raise _unreadable(text, f"A port is a number from 1 to {MAX_PORT}.")
    return f"{found['host']}:{port}"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _unreadable(text: str, why: str = "") -> ConfigError:
    return ConfigError(
        f"{text!r} does not say where a daemon is. {why}".rstrip(),
        hint="Write host, host:port, http://host:port or unix:/absolute/path.",
        param="mothership",
    )
