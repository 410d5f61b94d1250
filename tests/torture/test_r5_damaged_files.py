"""Files of an index are damaged, one at a time: the next start does not crash, does not believe it, and derives the
same index again from the store.
"""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.torture.part import Part
from tests.torture.spoil import Spoils
from tests.torture.zygote import Zygote

pytestmark = pytest.mark.torture

FILES = 200


def test_no_damaged_file_is_believed(part: Part, zygotes: list[Zygote]) -> None:
    spoils = Spoils(part, zygotes[0])
    cases = list(itertools.islice(spoils.cases(random.Random(part.seed)), FILES))
    shares = [cases[number :: len(zygotes)] for number in range(len(zygotes))]
    with ThreadPoolExecutor(len(zygotes)) as pool:
        list(pool.map(spoils.work, zygotes, shares))
    kinds = ", ".join(f"{count} {kind}" for kind, count in spoils.kinds.most_common())
    part.ends(
        f"{len(cases)} damaged index files ({kinds}): {spoils.signals} signals, {spoils.detected} detected, "
        f"{spoils.rebuilt} rebuilt"
    )
    assert spoils.signals == 0
    assert spoils.detected == spoils.rebuilt == len(cases) == FILES
