"""What would a rebuild have to do?"""

from __future__ import annotations

from patina.shelf import Shelved
from patina.store import Store
from patina.verify.arms import DENSE, differences
from patina.wire import RebuildStep


def rebuild_steps(one: Shelved, store: Store) -> list[RebuildStep]:
    """The arms of a collection that are not as the store and the configuration say; none when all is right.

    Blocks. The index must have caught up with the log, and nobody may change it meanwhile.
    """
    chunks = store.counts(one.name).chunks
    steps = []
    if one.mismatch is not None:
        steps.append(RebuildStep(repo=one.name, arm=DENSE, reason=one.mismatch.message, chunks=chunks))
    for fault in one.index.verify():
        arm = next((arm for arm in one.index.arms if fault.where.endswith(f"/{arm}")), "")
        steps.append(RebuildStep(repo=one.name, arm=arm, reason=fault.what, chunks=chunks))
    for arm, missing, gone in differences(one, store):
        reason = f"It lacks {len(missing)}, and holds {len(gone)} that are gone."
        steps.append(RebuildStep(repo=one.name, arm=arm, reason=reason, chunks=len(missing) + len(gone)))
    return steps
