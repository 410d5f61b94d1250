"""Every bench runs, tiny and without a model; what it says is nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "performance.md"


@pytest.mark.parametrize("bench", ["answers", "ingest", "lexical", "search", "startup", "memory"])
def test_a_quick_run_prints_a_table_and_leaves_the_page_alone(bench: str) -> None:
    before = PAGE.read_text() if PAGE.exists() else None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", bench, "--quick"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    title, _, head, rule, *rows = done.stdout.strip().splitlines()
    assert title
    assert head.startswith("| what")
    assert set(rule) <= set("|-:")
    assert rows
    assert all(row.count("|") == head.count("|") for row in rows)
    assert (PAGE.read_text() if PAGE.exists() else None) == before


def test_an_unknown_bench_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "speed"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'speed'" in done.stderr
    assert "search" in done.stderr
