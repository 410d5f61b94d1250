"""Does every arm of an index hold just the chunks that the store says?"""

from __future__ import annotations

from typing import NamedTuple

from patina.shelf import Shelved
from patina.store import Store
from patina.types import Fault
from patina.wire import Filter

SHOWN = 3
"""Examples that a fault names."""
CHANGES_AT_ONCE = 1024
DENSE = "dense"


class Difference(NamedTuple):
    """Chunks that an arm lacks, and chunks that it holds although they are gone."""

    arm: str
    missing: frozenset[str]
    gone: frozenset[str]


def index_faults(one: Shelved, store: Store, full: bool) -> list[Fault]:
    """What is wrong with the files and the contents of a collection's index; `full` reads every entry. Blocks.

    The index must have caught up with the log, and nobody may change it meanwhile.
    """
    found = one.index.verify(full)
    for arm, missing, gone in differences(one, store):
        found += _fault(one.name, arm, "lacks", missing)
        found += _fault(one.name, arm, "still holds what is gone:", gone)
    return found


def differences(one: Shelved, store: Store) -> list[Difference]:
    """The arms that do not hold what they should, under the same conditions."""
    alive, embedded = store.select(one.name, Filter()), store.embedded(one.name)
    behind = untold(one, store)
    held = {arm: one.index.ids(arm) for arm in one.index.arms}
    wanted = {arm: embedded if arm == DENSE else alive for arm in held}
    found = [Difference(arm, wanted[arm] - held[arm] - behind, held[arm] - wanted[arm] - behind) for arm in held]
    return [difference for difference in found if difference.missing or difference.gone]


def untold(one: Shelved, store: Store) -> frozenset[str]:
    """Chunks that the log has gone on about since the index caught up: commits do not wait for a check."""
    ids: set[str] = set()
    after = one.applied
    while changes := store.changes(one.name, after, CHANGES_AT_ONCE):
        ids |= {change.id for change in changes}
        after = changes[-1].seq
    return frozenset(ids)


def _fault(name: str, arm: str, what: str, ids: frozenset[str]) -> list[Fault]:
    if not ids:
        return []
    examples = ", ".join(sorted(ids)[:SHOWN])
    chunks = "1 chunk" if len(ids) == 1 else f"{len(ids)} chunks"
    return [
        Fault(
            where=f"{name}/{arm}",
            what=f"The {arm} arm {what} {chunks} ({examples}).",
            repair=f"Run `patina rebuild --repo {name}`.",
        )
    ]
