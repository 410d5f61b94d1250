"""What every test may use, and two rules: nothing is left out where all is required, and root is nobody special."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from pathlib import Path

import pytest

from .environment import EXAMPLE, LIMIT_S, PROJECT, Environment, build, call

REQUIRED = ("model", "crash", "package", "ordinary", "quality", "torture")
BOUND_BY_MODES = "BOUND_BY_MODES"
"""Set in the child that root's tests of file modes run in."""


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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Root may read everything: its tests of file modes run once more, in a child that has lost that privilege."""
    if os.geteuid() != 0 or BOUND_BY_MODES in os.environ or not pyfuncitem.get_closest_marker("ordinary"):
        return None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root needs setpriv (util-linux) for tests of file modes")
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    done = subprocess.run(
        [setpriv, "--bounding-set", "-dac_override,-dac_read_search", *test],
        cwd=pyfuncitem.config.rootpath,
        env=os.environ | {BOUND_BY_MODES: "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return True


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
