"""Run benches, print their tables, and keep docs/reference/performance.md up to date.

python -m benchmarks                   all of them
python -m benchmarks search memory     some of them; the page keeps the others' last figures
python -m benchmarks --quick           tiny and without a model: whether they run, not what they say
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks import page, table
from benchmarks.page import BENCHES
from benchmarks.workshop import Workshop


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    for name in asked.benches or BENCHES:
        section = asyncio.run(_measured(name, quick=asked.quick))
        sys.stdout.write(f"\n{section.title}\n\n{table.table(section.rows)}\n")
        sys.stdout.flush()
        if not asked.quick:
            page.keep(name, section)
            page.write()
    return 0


async def _measured(name: str, *, quick: bool) -> page.Section:
    bench = import_module(f"benchmarks.{name}")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:  # a short path: sockets are bound in it
        rows = await bench.measure(Workshop(Path(scratch), quick=quick))
    return page.Section(title=bench.TITLE, about=bench.ABOUT, rows=rows, measured=page.now())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=", ".join(BENCHES), type=_bench)
    parser.add_argument("--quick", action="store_true", help="tiny and without a model, writes nothing")
    return parser


def _bench(name: str) -> str:
    """`choices` would not do: Python 3.11 holds having named none against them."""
    if name not in BENCHES:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(BENCHES)}")
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
