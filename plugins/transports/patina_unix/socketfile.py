"""A listening socket in a folder that only its owner can enter."""

from __future__ import annotations

import os
import secrets
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import Failed, Locked, Refused
from patina.places import checked_socket

BACKLOG = 128
_UCRED = struct.Struct("3i")  # Linux: pid, uid, gid
_XUCRED = struct.Struct("Ii")  # macOS: version, uid, and groups that do not matter here
_LOCAL_PEERCRED = 1
ROOT = 0


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at `path` with mode 0600 until the context is left.

    Bound under another name, then renamed: who finds the path finds a socket that is already listening. A stale
    socket of our own is replaced. Raises `Refused` for a folder that others can enter and for a path that holds
    anything else, `Locked` when somebody listens there, `ConfigError` for a path that is too long.
    """
    checked_socket(os.fspath(path))
    _check_folder(path.parent)
    _check_free(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        identity = _placed(sock, path)
        try:
            yield sock
        finally:
            _remove(path, identity)
    finally:
        sock.close()


def peer_uid(connection: socket.socket) -> int | None:
    """Who is at the other end; None where the system cannot tell (the folder's mode still guards the socket)."""
    if sys.platform == "linux":
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(raw)[1])
    if sys.platform == "darwin":
        raw = connection.getsockopt(0, _LOCAL_PEERCRED, 128)
        return int(_XUCRED.unpack_from(raw)[1])
    return None


def trusted(uid: int | None) -> bool:
    """Ourselves, and root, who could read our memory anyway."""
    return uid in {None, ROOT, os.geteuid()}


def _placed(sock: socket.socket, path: Path) -> tuple[int, int]:
    """Bind aside, listen, rename; returns which file is ours.

    The folder is private, so nobody meets the socket before it has its mode; the umask, which is the whole process's,
    is left alone.
    """
    aside = path.with_name(f".{secrets.token_hex(3)}")
    try:
        sock.bind(os.fspath(aside))
        aside.chmod(0o600)
        sock.listen(BACKLOG)
        sock.setblocking(False)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _unusable(path, error) from None
    return _identity(path.lstat())


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, error) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Refused(
            f"The socket's folder {folder} is a link, belongs to somebody else or can be entered by others.",
            hint=f"Make it yours alone (`chmod 700 {folder}`) or set PATINA_SOCKET to a path in a private folder.",
            param="socket",
        )


def _check_free(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, error) from None
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"{path} is not a socket of yours.", hint="Move it away or set PATINA_SOCKET.", param="socket")
    if _answers(path):
        raise Locked(f"Another process listens at {path}.", hint="`patina status` shows who.", param="socket")


def _answers(path: Path) -> bool:
    """Whether somebody listens; a full backlog means yes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _remove(path: Path, ours: tuple[int, int]) -> None:
    """Unlink the path if it still is our socket: a successor may have taken its place."""
    with suppress(OSError):
        if _identity(path.lstat()) == ours:
            path.unlink()


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _unusable(path: Path, error: OSError) -> Failed:
    return Failed(f"{path} cannot hold a socket: {error.strerror}.", hint="Set PATINA_SOCKET to another path.")
