"""The programs of the page on clients, each with the client that it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..examples.pages import PAGES, Block, blocks
from .conftest import CLIENTS, offline, output

PAGE = (PAGES / "how-to" / "use-with-openai-clients.md").read_text()
ADDRESS = "http://127.0.0.1:50051"


def client(block: Block) -> str:
    return next(line.split()[1].partition(".")[0] for line in block.text.splitlines() if line.startswith("from "))


@pytest.mark.clients
@pytest.mark.model
@pytest.mark.parametrize("block", blocks(PAGE, "python"), ids=client)
def test_every_program_for_python_runs(block: Block, python: Path, address: str) -> None:
    assert ADDRESS in block.text
    assert output([python, "-c", block.text.replace(ADDRESS, address)], offline())


@pytest.mark.node
@pytest.mark.parametrize("block", blocks(PAGE, "javascript"))
def test_the_program_for_node_runs(block: Block, node: dict[str, str], address: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    program = tmp_path / "program.mjs"
    program.write_text(block.text.replace(ADDRESS, address))
    assert output(["node", program], node) == "2 14\n"
