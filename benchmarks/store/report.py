"""From what was measured to the page: a table a size, and what they say of the aims."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from benchmarks import page
from benchmarks.page import Section
from benchmarks.store.aims import AIMS, Figures, Look, Results
from benchmarks.store.system import SYSTEMS
from benchmarks.table import figure, grid

NAME = "store"
TITLE = "Other stores, side by side"
ABOUT = """\
The same passages with the same vectors of 384 dimensions, in Patina, in three other stores that run in one's own
process, and in the bare engines: tantivy and hnswlib with nothing around them, the floor. Every system is measured in
processes of its own, on cores that others use too: compare within a table. The text is Debian's documentation packages
in pieces of at most 800 characters. The first 20,000 vectors are the default model's, of the first 400 characters of
each piece; the others are real ones moved by half the difference of two others (`benchmarks/store/fixture.py`). The
200 questions are six words each with the model's vector for them, which every system is handed: no time here is the
model's. Patina gets it from an embedder that looks it up, and from its own cache when the question comes again.

Each system is at its documented best setting (`benchmarks/store/systems/`).

- *Durable* counts until the last passage is on the disk, as well as that system ever brings it there.
- *Found* counts until the last passage is among the ten best for its own words, or its own vector; *all built* until
  nothing is left to do in the background.
- *While writing* means 500 passages a second, beside one who asks with pauses of 20 ms; where another rate was reached,
  it is told.
- *Restart* is from the start of a process to the right answer.
- *Memory* is what the process holds after 600 questions beyond what it held before it opened the store: pages of its
  own, and pages of files that it maps.
- Chroma ranks nothing by words on one's own machine; its second arm is a filter.
- *Load average* is the machine's, of two cores, when that system's turn began; what was measured under another load is
  not to be compared closely.
- A process that takes longer than an hour is ended. What it had not told by then is left blank."""
WIDTH = 120
RATE = 500
RATE_REACHED = 0.98
LABELS = {"patina": "Patina", "floor": "bare engines", "lancedb": "LanceDB", "chromadb": "Chroma"}


def keep(results: Results, sizes: Sequence[int]) -> None:
    """Write the page's section anew."""
    versions = dict.fromkeys(str(figures["versions"]) for figures in results.values() if "versions" in figures)
    measured = f"{page.now()} The systems: {', '.join(versions)}."
    page.keep(NAME, Section(title=TITLE, about=ABOUT, body=body(results, sizes), measured=measured))
    page.write()


def body(results: Results, sizes: Sequence[int]) -> str:
    tables = [_table(results, size) for size in sizes if any(_key(name, size) in results for name in SYSTEMS)]
    look = Look(results)
    aims = grid(("what Patina is to reach", "found", "reached"), [aim.line(look) for aim in AIMS])
    ended = [
        f"{name} at {size:,} ({figures['failed']})"
        for size in sizes
        for name in SYSTEMS
        if "failed" in (figures := results.get(_key(name, size), {}))
    ]
    bounds = [
        textwrap.fill(f"- *{aim.what}*: {aim.bound}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for aim in AIMS
        if aim.line(look)[2] == "no"
    ]
    return "\n\n".join(
        [
            *tables,
            *([f"Not to the end: {'; '.join(ended)}."] if ended else []),
            aims,
            *(["What bounds it, where an aim is missed:\n\n" + "\n".join(bounds)] if bounds else []),
        ]
    )


def _table(results: Results, size: int) -> str:
    names = [name for name in SYSTEMS if _key(name, size) in results]
    head = [f"{size:,} passages", *(LABELS.get(name, name) for name in names)]
    return grid(
        head, [[what, *(_cell(cell, results[_key(name, size)], size) for name in names)] for what, cell in LINES]
    )


Cell = Callable[[Figures, int], str]


def _cell(cell: Cell, figures: Figures, size: int) -> str:
    try:
        return cell(figures, size)
    except KeyError:  # not told: it did not come so far
        return ""


def _rate(name: str) -> Cell:
    return lambda figures, size: figure(size / float(figures[name]), "/s")


def _plain(name: str, unit: str) -> Cell:
    return lambda figures, _: figure(float(figures[name]), unit)


def _each(name: str) -> Cell:
    return lambda figures, size: f"{float(figures[name]) / size:,.0f} B"


def _pair(name: str) -> Cell:
    return lambda figures, _: f"{_ms(figures[f'{name}_p50_ms'])} / {_ms(figures[f'{name}_p99_ms'])}"


def _busy(figures: Figures, size: int) -> str:
    rate = float(figures["busy_rate"])
    return _pair("busy")(figures, size) + (f" at {rate:,.0f}/s" if rate < RATE_REACHED * RATE else "")


def _memory(figures: Figures, size: int) -> str:
    return f"{_each('own_bytes')(figures, size)} + {_each('mapped_bytes')(figures, size)}"


def _ms(value: float | str) -> str:
    return figure(float(value), "")


LINES: tuple[tuple[str, Cell], ...] = (
    ("load average at the start", _plain("load", "")),
    ("durable", _rate("durable_s")),
    ("found by words", _rate("words_s")),
    ("found by meaning", _rate("meaning_s")),
    ("all built", _rate("settled_s")),
    ("CPU time a passage, until then", lambda figures, size: figure(1000 * float(figures["fill_cpu_s"]) / size, "ms")),
    ("hybrid p50 / p99, idle, ms", _pair("idle")),
    ("CPU time a question", _plain("idle_cpu_ms", "ms")),
    ("hybrid p50 / p99, while writing, ms", _busy),
    ("recall@10 of the dense arm", lambda figures, _: f"{float(figures['recall']):.3f}"),
    ("restart to the right answer", _plain("restart_s", "s")),
    ("on disk, a passage", _each("disk_bytes")),
    ("memory, a passage: own + mapped", _memory),
)


def _key(name: str, size: int) -> str:
    return f"{name} {size}"
