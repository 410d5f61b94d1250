"""Copies of the source with a bug planted in them: the suite must see it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.torture.zygote import PROJECT

BUGS = Path(__file__).with_name("bugs")
ROOMS = ("core", "plugins")


def planted(bug: str, into: Path) -> Path:
    """The sources with a patch of `BUGS` applied to them.

    Raises AssertionError when it does not apply: then the code has changed, and the patch must follow it.
    """
    for room in ROOMS:
        shutil.copytree(PROJECT / room, into / room, ignore=shutil.ignore_patterns("__pycache__"))
    patch = BUGS / f"{bug}.patch"
    alone = os.environ | {"GIT_CEILING_DIRECTORIES": str(into.parent)}  # the copy is no part of a repository around it
    done = subprocess.run(
        ["git", "apply", str(patch)], cwd=into, env=alone, capture_output=True, text=True, check=False
    )
    changed = [line.removeprefix("+++ b/") for line in patch.read_text().splitlines() if line.startswith("+++ b/")]
    differing = [name for name in changed if (into / name).read_bytes() != (PROJECT / name).read_bytes()]
    assert done.returncode == 0, f"{patch.name} does not apply any more, write it anew: {done.stderr}"
    assert changed == differing != [], f"{patch.name} has changed nothing"
    return into
