"""A program that opens damaged copies of an index, as a daemon would: a crash ends it, and the test sees that.

Arguments: the lexical engine, a file with the log as JSON, and the folders. For each folder it prints one line of
JSON: the change it went on from, and whether the index then answers as one made from the log alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from patina.types import Change, Query, Ranking, Stamp
from patina_hybrid.index import HybridIndex
from patina_hybrid.settings import HybridSettings

ENGINE, LOG, *FOLDERS = sys.argv[1:]
STAMP = Stamp(collection="notes", identity="a" * 64, dimension=24)


def read_log() -> list[Change]:
    rows = [json.loads(line) for line in Path(LOG).read_text().splitlines()]
    return [Change(**{**row, "vector": row["vector"] and np.array(row["vector"], np.float32)}) for row in rows]


def answers(folder: Path | None, log: list[Change]) -> tuple[int, list[list[Ranking]], list[frozenset[str]]]:
    index = HybridIndex(HybridSettings(lexical=ENGINE, segment_size=64, tail_max=128))  # type: ignore[arg-type]
    held = index.open(folder, STAMP)
    index.apply([change for change in log if change.seq > held])
    index.checkpoint()
    exact = frozenset(index.ids("dense"))  # a filter makes the dense arm scan: no graph can differ from another
    few = frozenset(sorted(exact)[:20])
    asked = [change for change in log[::17] if change.vector is not None]
    found = [index.rank(Query(text=change.text, vector=change.vector, window=10, only=few)) for change in asked]
    ids = [index.ids(arm) for arm in index.arms]
    index.close()
    return held, found, ids


def main() -> None:
    log = read_log()
    _, right, ids = answers(None, log)
    for folder in FOLDERS:
        held, found, now = answers(Path(folder), log)
        same = [[(r.arm, [c.id for c in r.candidates]) for r in rankings] for rankings in found] == [
            [(r.arm, [c.id for c in r.candidates]) for r in rankings] for rankings in right
        ]
        sys.stdout.write(json.dumps({"folder": folder, "held": held, "right": same and now == ids}) + "\n")
        sys.stdout.flush()


main()
