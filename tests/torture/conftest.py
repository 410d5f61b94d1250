"""What the parts have in common: a seed that is printed, a place for histories, children, and one line for each part.

``TORTURE_SEED`` repeats a run.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.torture import faults
from tests.torture.part import Part
from tests.torture.zygote import PROJECT, Zygote

LINES = pytest.StashKey[list[str]]()
SEED = pytest.StashKey[int]()
HISTORIES = Path(os.environ.get("TORTURE_HISTORIES", PROJECT / ".cache" / "torture"))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []
    config.stash[SEED] = int(os.environ.get("TORTURE_SEED", random.SystemRandom().randrange(1 << 31)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash[LINES]:
        terminalreporter.section(f"torture, TORTURE_SEED={config.stash[SEED]}")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def part(request: pytest.FixtureRequest) -> Iterator[Part]:
    """Named by the test's module, test_r1_kill_points: "R1"."""
    name = request.module.__name__.rpartition("test_")[2].partition("_")[0].upper()
    folder = HISTORIES / f"{name}-{request.node.name.removeprefix('test_')}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="torture-", dir=_memory(), ignore_cleanup_errors=True) as scratch:
        config = request.config
        yield Part(
            name=name,
            seed=config.stash[SEED],
            folder=folder,
            scratch=Path(scratch),
            lines=config.stash[LINES],
            started=time.monotonic(),
        )


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faults, compiled."""
    if not shutil.which(os.environ.get("CXX", "c++")):
        pytest.skip("a C++ compiler is needed (Debian: g++)")
    return faults.build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def zygotes(part: Part) -> Iterator[list[Zygote]]:
    """As many as there are processors, two at most; each forks one child at a time."""
    with contextlib.ExitStack() as stack:
        number = min(2, os.cpu_count() or 1)
        yield [stack.enter_context(Zygote(part.folder / f"errors-{one}.txt")) for one in range(number)]


@pytest.fixture
def zygote(zygotes: list[Zygote]) -> Zygote:
    return zygotes[0]


@pytest.fixture(scope="session")
def root() -> None:
    """The test mounts file systems."""
    if os.geteuid() != 0 or not shutil.which("mount") or not shutil.which("mkfs.ext4"):
        pytest.skip("root is needed, with mount and mkfs.ext4 (Debian: mount, e2fsprogs)")


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
