"""Which scope each request needs: the one table.

A caller with no scopes of its own (the owner of the home, at the socket or on this machine) may do everything. A
request that has no row needs `admin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from patina import wire
from patina.errors import InsufficientScope
from patina.types import Scope

ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
Scopes = frozenset[Scope]

ANYBODY: Scopes = frozenset()
READ: Scopes = frozenset({"read"})
WRITE: Scopes = frozenset({"write"})
EMBED: Scopes = frozenset({"embed"})
ADMIN: Scopes = frozenset({"admin"})

# One of these is enough. `IndexPaths` reads files of the daemon's machine, which is more than to write a collection.
_NEEDED: dict[type[wire.Request[Any]], Scopes] = {
    wire.Ping: ANYBODY,
    wire.Status: READ,
    wire.Scry: READ,
    wire.Stats: READ,
    wire.Metrics: READ,
    wire.Export: READ,
    wire.ListJobs: READ,
    wire.ShowJob: READ,
    wire.WatchJob: READ,
    wire.Models: READ | EMBED,
    wire.Embed: EMBED,
    wire.Detokenize: EMBED,
    wire.Metrics: READ,
    wire.CacheStats: READ,
    wire.WarmCache: EMBED,
    wire.ClearCache: ADMIN,
    wire.Index: WRITE,
    wire.Delete: WRITE,
    wire.Commit: WRITE,
    wire.OpenImport: WRITE,
    wire.ImportBatch: WRITE,
    wire.CloseImport: WRITE,
    wire.CancelJob: WRITE,
    wire.ResumeJob: WRITE,
    wire.RetryJob: WRITE,
    wire.IndexPaths: ADMIN,
    wire.Rebuild: ADMIN,
    wire.PlanRebuild: ADMIN,
    wire.Verify: ADMIN,
    wire.Backup: ADMIN,
    wire.Shutdown: ADMIN,
}
_INCLUDED: dict[Scope, Scopes] = {"admin": frozenset(ALL_SCOPES), "write": frozenset({"write", "read"})}
_CHANGING = WRITE | ADMIN | frozenset({"deploy"})


def needed(request: wire.Request[Any]) -> Scopes:
    """The scopes of which a caller must have one; none for what anybody may ask."""
    return needed(request.work) if isinstance(request, wire.Start) else _NEEDED.get(type(request), ADMIN)


def allowed(scopes: Iterable[Scope], wanted: Scopes) -> bool:
    """Whether a key with these scopes has one of those that are wanted. `admin` has all, `write` has `read`."""
    return not wanted or any(not wanted.isdisjoint(_INCLUDED.get(scope, {scope})) for scope in scopes)


def check_scope(request: wire.Request[Any], caller: wire.Caller) -> None:
    """Raises `InsufficientScope`."""
    wanted = needed(request)
    if caller.scopes is not None and not allowed(caller.scopes, wanted):
        raise insufficient(wanted)


def insufficient(wanted: Scopes) -> InsufficientScope:
    names = " or ".join(sorted(wanted))
    return InsufficientScope(
        f"This takes a key with the scope {names}.", hint=f"`patina key create --scope {min(wanted)}` makes one."
    )


def is_change(request: wire.Request[Any]) -> bool:
    """Whether it changes something, or is the administrator's: what the audit log has."""
    return changes(needed(request))


def changes(wanted: Scopes) -> bool:
    """Whether these are the scopes of something that changes something."""
    return not _CHANGING.isdisjoint(wanted)
