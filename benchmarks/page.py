"""docs/reference/performance.md: every bench's last figures, when and on what they were measured."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from benchmarks.table import Row, table
from benchmarks.workshop import CACHE, PROJECT

PAGE = PROJECT / "docs" / "reference" / "performance.md"
BENCHES = ("answers", "paraphrases", "ingest", "lexical", "search", "startup", "memory")
SECTIONS = (*BENCHES, "store")
_PARTS = ("onnxruntime", "tantivy", "hnswlib", "apsw", "numpy")
_HEAD = """\
# Performance

Written by the benchmarks in `benchmarks/`; do not edit it by hand. All of it again:

```console
$ make bench
```

One part, for example `search`:

```console
$ .venv/bin/python -m benchmarks search
```

The last section, other stores side by side, takes an hour and more and has a command of its own:

```console
$ make bench-store
```

Every figure is the real engine's, and where something bare can do the same work, that is measured in the same run and
stands beside it. The ratio is Patina's figure divided by that one. Times on a machine that others use swing by a factor
of two or more; ratios and CPU time swing less.

"""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    about: str
    rows: list[Row] = []
    body: str = ""
    """Tables of another shape, instead of rows."""
    measured: str
    """When and on what, as a sentence."""


def now() -> str:
    """The day and the machine, in words that fit any machine of its kind."""
    parts = ", ".join(f"{name} {version(name)}" for name in _PARTS)
    return (
        f"Measured on {circumstances()} at the end: {os.cpu_count()} {platform.machine()} cores under "
        f"{platform.system()}, Python {platform.python_version()}, {parts}."
    )


def circumstances() -> str:
    """The day, and how busy the machine is with whatever runs on it."""
    load, *_ = os.getloadavg()
    return f"{datetime.now(UTC):%Y-%m-%d}, load average {load:.1f}"


def keep(name: str, section: Section) -> None:
    """Remember a bench's figures until it runs again."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / f"{name}.json").write_bytes(msgspec.json.encode(section))


def recalled(name: str) -> list[Row]:
    """What a bench found when it last ran."""
    file = CACHE / f"{name}.json"
    return msgspec.json.decode(file.read_bytes(), type=Section).rows if file.exists() else []


def write() -> None:
    """Write the page from what is remembered of every bench."""
    files = [file for name in SECTIONS if (file := CACHE / f"{name}.json").exists()]
    sections = [msgspec.json.decode(file.read_bytes(), type=Section) for file in files]
    PAGE.write_text(_HEAD + "\n".join(_text(section) for section in sections))


def _text(section: Section) -> str:
    return f"## {section.title}\n\n{section.about}\n\n{section.body or table(section.rows)}\n\n{section.measured}\n"
