"""Every bench runs, tiny and without a model; what it says is nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.page import BENCHES

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "performance.md"


def test_a_quick_run_prints_a_table_for_each_bench_and_leaves_the_page_alone() -> None:
    before = PAGE.read_text() if PAGE.exists() else None
    done = _run("benchmarks", "--quick")
    assert done.returncode == 0, done.stderr
    titles_and_tables = done.stdout.strip().split("\n\n")
    assert len(titles_and_tables) == 2 * len(BENCHES)
    for table in titles_and_tables[1::2]:
        head, rule, *rows = table.splitlines()
        assert head.startswith("| what")
        assert set(rule) <= set("|-:")
        assert rows
        assert all(row.count("|") == head.count("|") for row in rows)
    assert (PAGE.read_text() if PAGE.exists() else None) == before


def test_the_stores_are_measured_side_by_side_and_every_line_has_a_figure() -> None:
    before = PAGE.read_text() if PAGE.exists() else None
    done = _run("benchmarks.store", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    head, _, *rows = done.stdout.partition("\n\n")[0].splitlines()
    assert _cells(head) == ["1,000 passages", "Patina", "bare engines"]
    assert all(all(_cells(row)) for row in rows), rows
    [recall] = [row for row in rows if row.startswith("| recall@10")]
    assert _cells(recall)[1:] == ["1.000", "1.000"]
    assert (PAGE.read_text() if PAGE.exists() else None) == before


def test_a_store_that_is_not_known_or_a_size_without_a_place_on_the_page_is_refused() -> None:
    for words in (["--only", "sqlite"], ["--sizes", "5k"]):
        done = _run("benchmarks.store", *words)
        assert done.returncode == 2
        assert words[1] in done.stderr


def test_an_unknown_bench_is_refused_by_name() -> None:
    done = _run("benchmarks", "speed")
    assert done.returncode == 2
    assert "'speed'" in done.stderr
    assert "search" in done.stderr


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("| ").split("|")]
