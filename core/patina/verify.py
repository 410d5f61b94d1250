"""`patina verify`: is the store whole, and does every arm of every index hold just what the store says?"""

from __future__ import annotations

from collections.abc import Sequence

from patina.shelf import Shelved
from patina.store import Store
from patina.types import Fault
from patina.wire import Filter

SHOWN = 3
CHANGES_AT_ONCE = 1024


def faults(store: Store, collections: Sequence[Shelved], full: bool) -> list[Fault]:
    """Everything that is wrong. Blocks.

    The collections' indexes must have caught up with the log, and nobody may change them meanwhile.
    """
    found = store.check(full)
    for one in collections:
        found += one.index.verify(full)
        found += _compare(one, store)
    return found


def _compare(one: Shelved, store: Store) -> list[Fault]:
    alive, embedded = store.select(one.name, Filter()), store.embedded(one.name)
    behind = _untold(one, store)
    found = []
    for arm in one.index.arms:
        wanted = embedded if arm == "dense" else alive
        held = one.index.ids(arm)
        found += _difference(one.name, arm, "is missing", wanted - held - behind)
        found += _difference(one.name, arm, "holds what is gone:", held - wanted - behind)
    return found


def _untold(one: Shelved, store: Store) -> set[str]:
    """Chunks that the log has gone on about since the index caught up: commits do not wait for a check."""
    ids: set[str] = set()
    after = one.applied
    while changes := store.changes(one.name, after, CHANGES_AT_ONCE):
        ids |= {change.id for change in changes}
        after = changes[-1].seq
    return ids


def _difference(name: str, arm: str, what: str, ids: frozenset[str]) -> list[Fault]:
    if not ids:
        return []
    examples = ", ".join(sorted(ids)[:SHOWN])
    return [
        Fault(
            where=f"{name}/{arm}",
            what=f"The {arm} arm {what} {len(ids)} chunks ({examples}).",
            repair=f"Run `patina rebuild --repo {name}`.",
        )
    ]
