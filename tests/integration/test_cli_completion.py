"""A shell completes the commands, those of plugins as well."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import House


def test_bash_completes_a_command_and_its_options(house: House) -> None:
    house.ok("--install-completion", "--shell", "bash", env={"HOME": str(house.work)})
    [script] = (house.work / ".local").rglob("patina")
    ask = f"source {script}; COMP_WORDS=(patina sc); COMP_CWORD=1; _patina; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["scry"]
    assert "--explain" in script.read_text()
    assert "daemon" in script.read_text()
