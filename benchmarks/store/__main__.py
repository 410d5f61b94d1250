"""Measure, print, and write docs/reference/performance.md's section.

python -m benchmarks.store                             everything: an hour and more
python -m benchmarks.store --sizes 10k --only patina   some of it; the page keeps the others' last figures
python -m benchmarks.store --quick                     tiny: whether it runs, not what it says
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.store import cells, tiny
from benchmarks.store.aims import SIZES
from benchmarks.store.system import SYSTEMS

QUICK_SIZE = 1_000
BUSY_S = 20.0
QUICK_BUSY_S = 2.0


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    names = [name for name in asked.only or SYSTEMS if cells.available(name)]
    if asked.quick:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            return _quick([name for name in names if asked.only or name in cells.OURS], Path(scratch))
    from benchmarks.store import fixture, report

    passages = fixture.made(asked.sizes)
    for size in asked.sizes:
        for name in names:
            sys.stdout.write(f"{name} at {size:,} ...\n")
            sys.stdout.flush()
            folder = fixture.FOLDER / "homes" / f"{name}-{size}"
            cells.remember(name, size, cells.measured(name, size, passages, folder, BUSY_S))
            report.keep(cells.remembered(), SIZES)
    sys.stdout.write(report.body(cells.remembered(), SIZES))
    return 0


def _quick(names: list[str], scratch: Path) -> int:
    from benchmarks.store import report

    passages = tiny.made(scratch / "passages", QUICK_SIZE)
    found = {}
    for name in names:
        figures = cells.measured(name, QUICK_SIZE, passages, scratch / name, QUICK_BUSY_S)
        found[f"{name} {QUICK_SIZE}"] = figures
    sys.stdout.write(report.body(found, [QUICK_SIZE]))
    return 1 if any("failed" in figures for figures in found.values()) else 0


def _sizes(words: str) -> list[int]:
    known = {f"{size // 1_000}k": size for size in SIZES}
    try:
        return [known[word] for word in words.split(",")]
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"{error} is none of {', '.join(known)}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description="Storage engines side by side.")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="10k,100k,300k")
    parser.add_argument("--only", action="append", choices=list(SYSTEMS), help="one system; may be repeated")
    parser.add_argument("--quick", action="store_true", help="tiny, Patina and the bare engines, writes nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
