import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., None]
Installed = Callable[[], list[EntryPoint]]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Installs a distribution with one plugin: its name, its entry point's name, and the module's code."""

    def write(distribution: str, name: str, code: str = "", *, version: str = "1.0") -> None:
        module = distribution.replace("-", "_") + "_" + name.replace("-", "_")
        (site / f"{module}.py").write_text(dedent(code))
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        with (info / "entry_points.txt").open("a") as file:
            file.write(f"[patina]\n{name} = {module}\n")

    return write


@pytest.fixture
def installed(site: Path) -> Installed:
    """The entry points of what was installed here, and of nothing else."""

    def found() -> list[EntryPoint]:
        return [point for dist in distributions(path=[str(site)]) for point in dist.entry_points]

    return found
