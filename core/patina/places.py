"""Where a home and its socket are. Nothing but the standard library: a client that only asks comes through here."""

import os
from collections.abc import Mapping
from hashlib import blake2b

from patina.errors import ConfigError

DEFAULT_HOME = "~/.patina"
MAX_SOCKET_BYTES = 104
"""What the smallest of the supported kernels accepts as the path of a Unix socket."""


def absolute(path: str, folder: str = "") -> str:
    """A path as a person wrote it, "~" and ".." resolved and links kept; relative to `folder`, else to where we are."""
    return os.path.abspath(os.path.join(folder, os.path.expanduser(path)))  # noqa: PTH100, PTH111, PTH118


def home_path(env: Mapping[str, str]) -> str:
    """The absolute home: $PATINA_HOME, else ~/.patina."""
    return absolute(env.get("PATINA_HOME") or DEFAULT_HOME)


def default_socket(home: str, env: Mapping[str, str]) -> str:
    """The socket of an absolute home's daemon: named by the home, in a directory of the user's session or of /tmp.

    Two spellings of one home (through a link) have one socket. Raises `ConfigError` if the path is too long to bind.
    """
    name = blake2b(os.fsencode(os.path.realpath(home)), digest_size=8).hexdigest()
    session = env.get("XDG_RUNTIME_DIR", "")
    folder = f"{session}/patina" if session and os.path.isdir(session) else f"/tmp/patina-{os.getuid()}"  # noqa: PTH112, S108
    return checked_socket(f"{folder}/{name}.sock")


def checked_socket(path: str) -> str:
    """The path again; raises `ConfigError` if it is too long to bind."""
    size = len(os.fsencode(path))
    if size <= MAX_SOCKET_BYTES:
        return path
    raise ConfigError(
        f"The socket's path {path} has {size} bytes; a Unix socket takes at most {MAX_SOCKET_BYTES}.",
        hint="Set PATINA_SOCKET to a shorter path.",
        param="socket",
    )
