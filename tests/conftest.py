"""What every test may use, and two rules: nothing is left out where all is required, and root is nobody special."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from .environment import EXAMPLE, PROJECT, Environment, build, call
from .privilege import BOUND_BY_MODES, bound_by_modes

REQUIRED = ("model", "crash", "package", "clients", "ordinary", "quality", "torture")


def pytest_configure() -> None:
    """A suite that a shell has put into the background ignores Ctrl-C, and so would the commands that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL a test that needs something is not skipped for want of it: it fails."""
    report = yield
    expected_to_fail = hasattr(report, "wasxfail")
    if report.skipped and not expected_to_fail and os.environ.get("REQUIRE_ALL"):
        needs = [name for name in REQUIRED if item.get_closest_marker(name)]
        if needs:
            report.outcome = "failed"
            report.longrepr = f"REQUIRE_ALL is set, but a test marked {needs[0]} was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def ordinary(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Root may read everything: its tests of file modes run without that privilege."""
    if os.geteuid() != 0 or not request.node.get_closest_marker("ordinary"):
        yield
        return
    monkeypatch.setenv(BOUND_BY_MODES, "1")
    with bound_by_modes():
        yield


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patina, built as a user's pip would build it."""
    return build(PROJECT, tmp_path_factory.mktemp("wheel") / "patina")


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheels of Patina and of the example.

    Everything that they depend on is lent by the environment that runs the tests, through a path file: it is large,
    and not what is tested. A path file does not bring an editable installation along, so `patina` is the wheel's.
    """
    folder = tmp_path_factory.mktemp("bare")
    venv = folder / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", str(venv))
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", str(venv / "bin" / "python")]
    call(*pip, "install", "--no-deps", "--no-index", str(wheel), str(build(EXAMPLE, folder / "example")))
    packages = next((venv / "lib").glob("python*/site-packages"))
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (packages / "lent.pth").write_text("\n".join(lent))
    return venv


@pytest.fixture
def bare(installed: Path, tmp_path: Path) -> Environment:
    """The environment with a home of its own; no command starts a daemon behind the test's back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "PYTHON"))}
    ours = {"PATINA_HOME": str(tmp_path / "home"), "PATINA_AUTO_START": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return Environment(folder=installed, variables=kept | ours)
