"""`patina verify`: is the store whole, and does every arm of every index hold just what the store says?"""

from __future__ import annotations

from collections.abc import Sequence

from patina.shelf import Shelved
from patina.store import Store
from patina.types import Fault
from patina.wire import Filter

SHOWN = 3


def faults(store: Store, collections: Sequence[Shelved], full: bool) -> list[Fault]:
    """Everything that is wrong. The collections' indexes must have caught up with the log. Blocks."""
    found = store.check(full)
    for one in collections:
        found += one.index.verify(full)
        found += _compare(one, store)
    return found


def _compare(one: Shelved, store: Store) -> list[Fault]:
    alive, embedded = store.select(one.name, Filter()), store.embedded(one.name)
    found = []
    for arm in one.index.arms:
        wanted = embedded if arm == "dense" else alive
        held = one.index.ids(arm)
        found += _difference(one.name, arm, "is missing", wanted - held)
        found += _difference(one.name, arm, "holds what is gone:", held - wanted)
    return found


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
