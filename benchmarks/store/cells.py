"""Runs every system at every size in processes of their own, and remembers what they told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.store.passages import Passages
from benchmarks.workshop import CACHE, PROJECT

RESULTS = CACHE / "store" / "results.json"
PEERS = Path(os.environ.get("PATINA_PEERS") or PROJECT / ".cache" / "peers") / "bin" / "python"
OURS = ("patina", "floor")
STEP_S = 3600.0
"""How long one process may take; what it told until then counts."""
STEPS = ("fill", "ask")

Figures = dict[str, float | str]
Results = dict[str, Figures]
"""By "SYSTEM SIZE"."""


def measured(name: str, size: int, passages: Passages, folder: Path, seconds: float) -> Figures:
    """One system at one size; "failed" says which step did not end, and why."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    figures: Figures = {"load": os.getloadavg()[0]}
    for step in STEPS:
        words = [step, name, str(size), str(folder), str(passages.folder), str(time.monotonic()), str(seconds)]
        failure = _run(words, _python(name), figures)
        if step == "fill":
            figures["disk_bytes"] = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
        if failure:
            figures["failed"] = f"{step}: {failure}"
            break
    shutil.rmtree(folder)
    return figures


def available(name: str) -> bool:
    return Path(_python(name)).exists()


def remembered() -> Results:
    found: Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def remember(name: str, size: int, figures: Mapping[str, float | str]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**remembered(), f"{name} {size}": figures}, indent=1))


def _python(name: str) -> str:
    return sys.executable if name in OURS else str(PEERS)


def _run(words: list[str], python: str, figures: Figures) -> str:
    """What was told goes into `figures`; returns what went wrong, if anything did."""
    command = [python, "-m", "benchmarks.store.cell", *words]
    search = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": search}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        told, complaint = process.communicate(timeout=STEP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        told, complaint = process.communicate()
        complaint = f"longer than {STEP_S:.0f} s".encode()
    for line in told.splitlines():
        if line.startswith(b"{"):
            figures.update(json.loads(line))
    if process.returncode == 0:
        return ""
    return complaint.decode(errors="replace").strip().rpartition("\n")[2][:200] or f"exit {process.returncode}"
