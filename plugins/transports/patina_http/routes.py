"""Which scope each route needs, by its path: the one table.

The engine holds every request against the caller's scopes again; this table lets a door refuse before it reads a body.
A route that has no row needs `admin`.
"""

from __future__ import annotations

from patina.types import Scope

Scopes = frozenset[Scope]

OPEN = frozenset({"/health", "/ready"})
"""No key, no limit: probes must get through."""

_ANY: Scopes = frozenset()
_READ: Scopes = frozenset({"read"})
_EMBED: Scopes = frozenset({"embed"})
_MODELS: Scopes = _READ | _EMBED
_ADMIN: Scopes = frozenset({"admin"})

# With what lies below it, if it has no row of its own. Of several scopes one is enough.
_NEEDED: dict[str, Scopes] = {
    "/api/request": _ANY,  # judged by the request that its body holds
    "/api/cache": _ANY,  # likewise, by what is asked of it
    "/api/scry": _READ,
    "/api/index": frozenset({"write"}),
    "/api/embed": _EMBED,
    "/api/embeddings": _EMBED,
    "/api/model": _MODELS,
    "/api/models": _MODELS,
    "/api/tags": _MODELS,
    "/api/show": _MODELS,
    "/api/ps": _MODELS,
    "/api/version": _MODELS,
    "/v1/models": _MODELS,
    "/v1/embeddings": _EMBED,
    "/v1/rerank": _EMBED,
    "/": _EMBED,
    "/embed": _EMBED,
    "/info": _MODELS,
    "/rerank": _EMBED,
    "/metrics": _READ,
    "/docs": _ANY,
    "/openapi.json": _ANY,
}


def scopes_for(path: str) -> Scopes:
    """The scopes of which a key must have one; none where any key will do."""
    place = path.rstrip("/") or "/"
    while place:
        if place in _NEEDED:
            return _NEEDED[place]
        place = place.rpartition("/")[0]
    return _ADMIN
