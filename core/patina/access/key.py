"""A key: ``pat_<id>_<secret>``. What is kept of it lets nobody in.

A secret has 160 random bits, so a plain SHA-256 of the key is as good as the slow functions that passwords need, and
takes microseconds. Its last eight digits are a checksum: a typing mistake is known without looking anything up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import zlib

import msgspec

from patina.types import Scope, Secret

ID_BYTES = 4
SECRET_BYTES = 20
_SHAPE = re.compile(r"pat_([0-9a-f]{8})_([0-9a-f]{40})([0-9a-f]{8})")
_LIKENESS = "pat_"


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a key. All times are Unix times."""

    id: str
    label: str
    scopes: tuple[Scope, ...]
    digest: str
    """SHA-256 of the whole key, in hex."""
    created: float
    expires: float | None = None
    used: float | None = None
    """When it was last used, to the minute; null before that."""
    revoked: float | None = None

    def state(self, now: float | None = None) -> str:
        """ "live", "expired" or "revoked"."""
        if self.revoked is not None:
            return "revoked"
        now = time.time() if now is None else now
        return "expired" if self.expires is not None and self.expires <= now else "live"

    def is_of(self, shown: str) -> bool:
        """Whether this is the key that somebody shows; takes as long either way."""
        return hmac.compare_digest(self.digest, digest_of(shown))


def minted(label: str, scopes: tuple[Scope, ...], lifetime_s: float | None) -> tuple[Key, Secret]:
    """A new key and its text, which nobody can find out again."""
    id = secrets.token_hex(ID_BYTES)
    secret = secrets.token_hex(SECRET_BYTES)
    text = f"pat_{id}_{secret}{_checksum(id, secret)}"
    now = time.time()
    expires = None if lifetime_s is None else now + lifetime_s
    return Key(id=id, label=label, scopes=scopes, digest=digest_of(text), created=now, expires=expires), Secret(text)


def id_in(shown: str) -> str | None:
    """The id that a key's text bears; None when it is no key at all, or mistyped."""
    found = _SHAPE.fullmatch(shown)
    return found[1] if found and found[3] == _checksum(found[1], found[2]) else None


def looks_like_a_key(shown: str) -> bool:
    """Whether somebody means one of Patina's, right or wrong."""
    return shown.startswith(_LIKENESS)


def digest_of(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()


def _checksum(id: str, secret: str) -> str:
    return f"{zlib.crc32(f'{id}_{secret}'.encode()):08x}"
