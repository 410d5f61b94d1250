"""Who comes in, as whom, and how often: decided by the head of a request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from patina.access import AuditLog, Key, KeyRing, allowed, changes, insufficient
from patina.access.key import looks_like_a_key
from patina.errors import Denied, PatinaError, Refused, Unavailable
from patina.wire import Caller
from patina_http.buckets import Buckets, network_of
from patina_http.checks import Head
from patina_http.routes import OPEN, scopes_for
from patina_http.settings import HttpSettings

log = logging.getLogger(__name__)

DEFAULT_PER_S = 500.0
"""Requests of a key, or of an address without one, where keys are needed."""
MAX_SHOWN_PATH = 100
"""Characters of a path in the audit log."""
SHOW_IT = "Send it as Authorization: Bearer pat_…, or as X-API-Key; Patina's own clients take it from PATINA_KEY."
_FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})


class Admission:
    """The keys of a home, and the allowances of those who ask at one door.

    beyond: whether the door can be reached from elsewhere; then everybody needs a key.
    Raises `Refused` when nobody could come in at all.
    """

    def __init__(self, settings: HttpSettings, *, beyond: bool) -> None:
        self._keys = KeyRing(Path(settings.home) / "data") if settings.home else None
        if beyond and not (self._keys and self._keys.has_live()):
            raise Refused(
                f"Patina does not listen on {settings.host}, where other machines could reach it, without a key.",
                hint="Make one with `patina key create --label NAME --scope read`, or listen on 127.0.0.1.",
                param="daemon.host",
            )
        self._audit = AuditLog(Path(settings.home)) if settings.home else None
        self._needs_key = beyond or settings.require_key
        per_s = settings.requests_per_s
        if per_s is None:
            per_s = DEFAULT_PER_S if self._needs_key else 0.0
        self._by_key = Buckets(per_s, settings.request_burst)
        self._by_peer = Buckets(per_s, settings.request_burst)
        self._notes: set[asyncio.Task[None]] = set()

    def admit(self, head: Head, path: str, peer: str, request_id: str) -> Caller:
        """Who asks. Raises `Denied`, `InsufficientScope`, `RateLimited`, or `Unavailable` if keys cannot be read."""
        if path in OPEN:
            return Caller(origin="http", name=peer, request_id=request_id)
        try:
            key = self._key(head)
        except (Denied, Unavailable) as refusal:
            self._charge(peer)
            log.info("request_id=%s peer=%s refused: %s", request_id, peer, refusal.message)
            raise
        if key is None:
            self._charge(peer)
            return Caller(origin="http", name=peer, request_id=request_id)
        self._by_key.take(key.id)
        caller = Caller(origin="http", name=f"key {key.id}", scopes=key.scopes, request_id=request_id)
        self._check_scope(caller, path)
        return caller

    def _check_scope(self, caller: Caller, path: str) -> None:
        """Raises `InsufficientScope`. The engine, which writes down who changes what, never hears of it; so we do."""
        wanted = scopes_for(path)
        if caller.scopes is None or allowed(caller.scopes, wanted):
            return
        error = insufficient(wanted)
        if self._audit is not None and changes(wanted):
            shown = path[:MAX_SHOWN_PATH]
            self._audit.note(caller.origin, caller.name, shown, error.code, request_id=caller.request_id)
        raise error

    def _charge(self, peer: str) -> None:
        if self._by_peer.limits:
            self._by_peer.take(network_of(peer))

    def _key(self, head: Head) -> Key | None:
        """The key that is shown; None where none is needed and none of Patina's is shown. Raises `Denied`."""
        shown = _shown(head)
        needed = self._needs_key or not _FORWARDED.isdisjoint(head)
        if not needed and not any(map(looks_like_a_key, shown)):
            return None
        if not shown:
            raise Denied("This takes a key.", hint=SHOW_IT)
        if len(set(shown)) > 1:
            raise Denied("Two different keys are shown.", hint="Send one.")
        key = self._found(shown[0])
        if self._keys is not None and self._keys.use_is_due(key):
            note = asyncio.create_task(self._note_use(self._keys, key))
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)
        return key

    def _found(self, shown: str) -> Key:
        if self._keys is None:
            raise Denied("This door knows no keys.")
        try:
            return self._keys.find(shown)
        except Denied:
            raise
        except PatinaError as error:  # names files, which are nobody's business
            log.error("Keys cannot be checked, and nobody with one comes in: %s", error)
            raise Unavailable("Keys cannot be checked at the moment.", hint="The daemon's log says why.") from None

    async def _note_use(self, keys: KeyRing, key: Key) -> None:
        try:
            await asyncio.to_thread(keys.note_use, key)
        except (PatinaError, OSError) as error:
            log.warning("The use of the key %s cannot be written down: %s", key.id, error)


def _shown(head: Head) -> Sequence[str]:
    """Every key that a head bears."""
    bearers = [value for value in head.get("authorization", []) if value[:7].lower() == "bearer "]
    return [*(value[7:].strip() for value in bearers), *head.get("x-api-key", [])]
