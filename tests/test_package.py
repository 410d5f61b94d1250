"""The wheel holds exactly what it should, and what is installed from it works."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from email import message_from_string
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from patina import __version__

from .environment import PROJECT, Environment

pytestmark = pytest.mark.package

ROOTS = [PROJECT / "core", *(folder for folder in (PROJECT / "plugins").iterdir() if folder.is_dir())]
PACKAGES = {path.name for root in ROOTS for path in root.iterdir() if path.is_dir()}
NEVER_SHIPPED = ("__pycache__", ".pyc")
METADATA = f"patina_daemon-{__version__}.dist-info"


def declared() -> dict[str, Any]:
    """pyproject.toml."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


@pytest.fixture
def names(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return archive.namelist()


def read(wheel: Path, name: str) -> str:
    with ZipFile(wheel) as archive:
        return archive.read(f"{METADATA}/{name}").decode()


def test_at_the_top_are_the_packages_and_nothing_else(names: list[str]) -> None:
    assert {"patina", "patina_onnx", "patina_remote", "patina_hybrid", "patina_http", "patina_unix"} == PACKAGES
    assert {name.split("/")[0] for name in names} == {*PACKAGES, METADATA}


def test_every_file_of_the_packages_is_in_it(names: list[str]) -> None:
    files = {path.relative_to(root).as_posix() for root in ROOTS for path in root.rglob("*") if path.is_file()}
    wanted = {name for name in files if not any(part in name for part in NEVER_SHIPPED)}
    assert {name for name in names if not name.startswith(METADATA)} == wanted
    assert {f"{package}/py.typed" for package in PACKAGES} <= wanted


def test_its_entry_points_are_those_of_the_project(wheel: Path) -> None:
    written = read(wheel, "entry_points.txt")
    assert "patina = patina.cli:main" in written
    assert all(
        f"{name} = {value}" in written for name, value in declared()["project"]["entry-points"]["patina"].items()
    )


def test_its_metadata_names_the_extra_and_the_oldest_python(wheel: Path) -> None:
    metadata = message_from_string(read(wheel, "METADATA"))
    assert metadata["Name"] == "patina-daemon"
    assert metadata["Requires-Python"] == declared()["project"]["requires-python"]
    assert metadata.get_all("Provides-Extra") == ["e5"]


def test_what_is_installed_from_it_works(bare: Environment) -> None:
    assert bare.run(bare.patina, "--version").stdout.strip() == f"patina {__version__}"
    listed = bare.run(bare.patina, "plugins").stdout
    assert all(f"\n{name} " in listed for name in ("onnx", "hybrid", "http", "unix"))
    assert "!" not in listed


def test_without_a_compiler_make_says_so_in_a_sentence(tmp_path: Path) -> None:
    """A path with everything that the Makefile uses but `c++`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "echo", "make"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    done = subprocess.run(
        ["make", "--no-print-directory", "compiler"],
        cwd=PROJECT,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "needs a C++ compiler: install g++" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_what_is_depended_on_has_its_exact_version_written_down() -> None:
    everything = declared()
    project = everything["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["e5"],
        *everything["dependency-groups"]["test"],
    ]
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in lines if not line.startswith("#")}
    assert {re.split(r"[^\w-]", name)[0].replace("_", "-").lower() for name in wanted} <= pinned
