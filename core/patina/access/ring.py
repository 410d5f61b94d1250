"""All the keys of a home, in one small file that only its owner may read.

A command changes it whether or not a daemon runs, and a daemon sees the change at the next request: it looks at the
file's stamp each time that a key is shown. Why this is no table of the store: docs/decisions/0015-keys.md.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from patina.access.key import Key, id_in, minted
from patina.durable import unfinished
from patina.errors import Corrupt, Denied, Failed, InvalidRequest, Locked, NotFound, Refused
from patina.lock import locked_within, private_folder
from patina.types import Scope, Secret

FILE_NAME = "keys.json"
FORMAT = 1
MAX_KEYS = 1000
MAX_FILE_BYTES = 1 << 20
MAX_LABEL = 100
USE_INTERVAL_S = 60.0
"""How often the use of a key is written down at most."""
LOCK_TIMEOUT_S = 5.0
_OTHERS = 0o077
_NOBODY = Key(id="", label="", scopes=(), digest="0" * 64, created=0.0)
"""What the key of an unknown id is compared with."""

_Stamp = tuple[int, int, int]


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int = FORMAT
    keys: list[Key] = []


class _Seen(NamedTuple):
    """The file as it was read last."""

    stamp: _Stamp | None
    keys: Mapping[str, Key]


class KeyRing:
    """The keys in `folder`/keys.json. May be used from several threads, and by several processes at once.

    Everything that reads raises `Refused` when somebody else may read the file too, and `Corrupt` when it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._seen = _Seen(None, {})
        self._uses: dict[str, float] = {}
        self._turn = threading.Lock()

    def known(self) -> list[Key]:
        """All that are remembered, the oldest first."""
        return sorted(self._read().values(), key=lambda key: key.created)

    def has_live(self) -> bool:
        """Whether anybody could come in."""
        return any(key.state() == "live" for key in self._read().values())

    def find(self, shown: str) -> Key:
        """The live key that this is the text of. Raises `Denied`; what it says depends on what the asker has proved."""
        id = id_in(shown)
        if id is None:
            raise Denied("This is no key of Patina's.", hint="Is it whole, and without a typing mistake?")
        key = self._read().get(id)
        if not (key or _NOBODY).is_of(shown) or key is None:
            raise Denied("This key is not known here.", hint="`patina key list` shows those that are.")
        if (state := key.state()) != "live":
            raise Denied(f"The key {key.id} has {_BECOME[state]}.", hint="`patina key create` makes another.")
        return key

    def create(self, label: str, scopes: tuple[Scope, ...], lifetime_s: float | None = None) -> tuple[Key, Secret]:
        """A new key and its text, which is written nowhere. Raises `InvalidRequest` and `Failed`."""
        _check_label(label)
        if not scopes:
            raise InvalidRequest("A key needs at least one scope.", param="scope")
        key, text = minted(label, scopes, lifetime_s)
        self._change(lambda keys: {**_with_room(keys), key.id: key})
        return key, text

    def revoke(self, id: str) -> Key:
        """From now on this key is refused. Raises `NotFound`."""
        return self._replace(id, revoked=time.time())

    def rename(self, id: str, label: str) -> Key:
        """Raises `NotFound` and `InvalidRequest`."""
        _check_label(label)
        return self._replace(id, label=label)

    def use_is_due(self, key: Key) -> bool:
        """Whether `note_use` should be called: at most once a minute says so, also when writing fails."""
        now = time.time()
        last = max(key.used or 0.0, self._uses.get(key.id, 0.0))
        if now - last < USE_INTERVAL_S:
            return False
        self._uses[key.id] = now
        return True

    def note_use(self, key: Key) -> None:
        """Write down that it is used now. Blocks for the disk."""
        self._replace(key.id, used=time.time())

    # -- the file

    def _read(self) -> Mapping[str, Key]:
        """By id. Asks for the file's stamp, and reads it only when that is another than before."""
        try:
            stamp = _stamp(os.stat(self.path, follow_symlinks=False))  # noqa: PTH116
        except FileNotFoundError:
            return {}
        if stamp != self._seen.stamp:
            self._seen = self._loaded()
        return self._seen.keys

    def _loaded(self) -> _Seen:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return _Seen(None, {})
        except OSError as error:
            raise Refused(f"{self.path} cannot be read: {error.strerror}.") from None
        try:
            status = os.fstat(file)
            _check_private(self.path, status)
            content = os.read(file, MAX_FILE_BYTES + 1)
        finally:
            os.close(file)
        try:
            keys = msgspec.json.decode(content, type=_Content).keys
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "Put back a copy of it, or remove it and create new keys."
            raise Corrupt(f"{self.path} is no file of keys: {error}.", hint=hint) from None
        return _Seen(_stamp(status), {key.id: key for key in keys})

    def _replace(self, id: str, **fields: object) -> Key:
        def changed(keys: Mapping[str, Key]) -> Mapping[str, Key]:
            if id not in keys:
                raise NotFound(f"There is no key {id!r}.", hint="`patina key list` shows them all.", param="id")
            return {**keys, id: msgspec.structs.replace(keys[id], **fields)}

        return self._change(changed)[id]

    def _change(self, change: Callable[[Mapping[str, Key]], Mapping[str, Key]]) -> Mapping[str, Key]:
        """Read, change and write, with nobody in between: the old file or the new one stands, whatever happens."""
        private_folder(self.path.parent)
        with self._turn, self._locked():
            keys = change(self._loaded().keys)
            content = msgspec.json.format(msgspec.json.encode(_Content(keys=list(keys.values()))), indent=2)
            with unfinished(self.path) as aside:
                aside.write_bytes(content + b"\n")
            return keys

    @contextmanager
    def _locked(self) -> Iterator[None]:
        file = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if not locked_within(file, fcntl.LOCK_EX, LOCK_TIMEOUT_S):
                raise Locked("Another process is changing the keys.", hint="Try again.")
            yield
        finally:
            os.close(file)


_BECOME = {"expired": "expired", "revoked": "been revoked"}


def _stamp(status: os.stat_result) -> _Stamp:
    """Another one whenever the content, the owner or the mode has changed."""
    return status.st_ctime_ns, status.st_ino, status.st_size


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        raise Refused(f"{path} is not a file of this user's.", hint="Remove it and create new keys.")
    if status.st_mode & _OTHERS:
        raise Refused(f"Other users may read {path}.", hint=f"chmod 600 {path}")


def _check_label(label: str) -> None:
    if not 1 <= len(label) <= MAX_LABEL or not label.isprintable():
        raise InvalidRequest(f"A label has 1 to {MAX_LABEL} printable characters.", param="label")


def _with_room(keys: Mapping[str, Key]) -> Mapping[str, Key]:
    """Where there are too many, those that let nobody in are forgotten. Raises `Failed` if that is not enough."""
    if len(keys) < MAX_KEYS:
        return keys
    live = {id: key for id, key in keys.items() if key.state() == "live"}
    if len(live) >= MAX_KEYS:
        raise Failed(
            f"There are {len(live)} keys, and more are not kept.", hint="Revoke some with `patina key revoke`."
        )
    return live
