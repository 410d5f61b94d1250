"""What a loaded engine holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks import library
from benchmarks.process import probed
from benchmarks.table import Row, row
from benchmarks.workshop import Workshop

TITLE = "Memory"
ABOUT = """\
Resident memory of a process that holds an engine over the packages of `benchmarks/questions.toml`, less what the bare
interpreter had before it imported anything. Beside it stands the size of the model file."""


async def measure(workshop: Workshop) -> list[Row]:
    home, _, _ = await library.library(workshop)
    found = await asyncio.to_thread(probed, workshop, home)
    model = None if workshop.quick else await asyncio.to_thread(_model_mib, workshop)
    return [
        row("the bare interpreter", found.bare_mib, "MiB"),
        row("engine open, no model yet, over that", found.opened_mib - found.bare_mib, "MiB"),
        row(
            "model loaded, after seven searches, over that",
            found.answered_mib - found.bare_mib,
            "MiB",
            model,
        ),
    ]


def _model_mib(workshop: Workshop) -> float:
    from patina_onnx import source
    from patina_onnx.settings import OnnxSettings

    path: Path = source.find(OnnxSettings(model_cache=str(workshop.models))).model()
    return path.stat().st_size / 2**20
