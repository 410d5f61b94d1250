"""Who may do what: keys, the scopes that requests need, the record of what was changed, and secrets kept out of logs.

Doors authenticate: they turn what was shown into a `Caller`. The engine authorises: it holds every request against the
caller's scopes, whichever door it came through.
"""

from patina.access.audit import AuditLog, Entry
from patina.access.key import Key
from patina.access.ring import KeyRing
from patina.access.scopes import ALL_SCOPES, allowed, changes, check_scope, insufficient, is_change, needed

__all__ = [
    "ALL_SCOPES",
    "AuditLog",
    "Entry",
    "Key",
    "KeyRing",
    "allowed",
    "changes",
    "check_scope",
    "insufficient",
    "is_change",
    "needed",
]
