"""The example plugin from a user's side: installed, found, chosen by name, used; with no change in core."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..environment import EXAMPLE, Environment

pytestmark = pytest.mark.package

CHOSEN = {"PATINA_DEFAULTS_EMBEDDER": "letters", "PATINA_DEFAULTS_INDEX": "exact"}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "lamps.md").write_text("# Lamps\n\nThe lamp stands on the window sill.\n")
    (folder / "harbour.md").write_text("# Harbour\n\nBoats sleep in the harbour at night.\n")
    return folder


def test_both_come_from_their_wheels(bare: Environment) -> None:
    found = bare.run(bare.python, "-c", "import patina, patina_hello; print(patina.__file__, patina_hello.__file__)")
    assert all(path.startswith(str(bare.folder)) for path in found.stdout.split())


def test_it_is_listed_with_what_it_offers(bare: Environment) -> None:
    plugins = json.loads(bare.run(bare.patina, "plugins", "--json").stdout)
    (hello,) = [plugin for plugin in plugins if plugin["name"] == "hello"]
    assert (hello["distribution"], hello["version"], hello["origin"]) == ("patina-plugin-hello", "0.1.0", "third party")
    assert hello["offers"] == ["embedder letters", "index exact", "transport line", "deployer shelf"]
    assert "patina_commands" in hello["hooks"]
    assert hello["error"] is None
    assert {plugin["name"] for plugin in plugins if plugin["origin"] == "built-in"} >= {
        "http",
        "hybrid",
        "onnx",
        "unix",
    }


def test_its_command_stands_beside_the_others(bare: Environment) -> None:
    assert bare.run(bare.patina, "hello", "Ada").stdout.startswith("Hello, Ada!")
    assert "Greet someone." in bare.run(bare.patina, "--help").stdout


def test_its_settings_are_shown_and_checked(bare: Environment) -> None:
    assert "[embedders.letters]\ndimension = 256" in bare.run(bare.patina, "config", "show").stdout
    wrong = bare.but(PATINA_EMBEDDERS_LETTERS_DIMENSION="7").run(bare.patina, "index", ".", fails=True)
    typo = bare.but(PATINA_EMBEDDERS_LETTERS_DIMENSIONS="64").run(bare.patina, "index", ".", fails=True)
    assert wrong.returncode == typo.returncode == 2
    assert "PATINA_EMBEDDERS_LETTERS_DIMENSION" in wrong.stderr
    assert "Did you mean PATINA_EMBEDDERS_LETTERS_DIMENSION?" in typo.stderr


def test_its_embedder_and_index_answer_a_question(bare: Environment, notes: Path) -> None:
    chosen = bare.but(**CHOSEN)
    chosen.run(chosen.patina, "index", str(notes))
    hits = json.loads(chosen.run(chosen.patina, "scry", "a lmap on the windowsill", "--all-repos", "--json").stdout)
    best = hits["hits"][0]
    assert best["path"] == "lamps.md"
    assert set(best["arms"]) == {"dense", "lexical"}
    assert hits["degraded"] is None
    chosen.run(chosen.patina, "verify")


def test_its_door_answers_a_line(bare: Environment, notes: Path) -> None:
    chosen = bare.but(**CHOSEN)
    chosen.run(chosen.patina, "index", str(notes))
    serve = [chosen.patina, "serve", "--transport", "line", "--set", "transports.line.port=0"]
    with subprocess.Popen(serve, env=chosen.variables, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            host, _, port = daemon.stdout.readline().strip().removeprefix("Listening on line://").rpartition(":")
            answer = _ask(host, int(port), {"op": "scry", "query": "harbour", "limit": 1})
        finally:
            daemon.send_signal(signal.SIGTERM)
    assert daemon.returncode == 0
    assert [hit["path"] for hit in answer["hits"]] == ["harbour.md"]


def test_its_deployer_ships_a_folder(bare: Environment, notes: Path, tmp_path: Path) -> None:
    program = """
import asyncio, sys
from patina import Config
from patina.registry import Registry
from patina.types import Host, Target

async def main(project, there):
    deployer = Registry.load().deployer("shelf", Config())
    target = Target(project=project, host=Host(name="here", address="localhost"), path=there)
    await deployer.apply(await deployer.plan(target))

asyncio.run(main(*sys.argv[1:]))
"""
    bare.run(bare.python, "-c", program, str(notes), str(tmp_path / "there"))
    assert (tmp_path / "there/current/lamps.md").read_text() == (notes / "lamps.md").read_text()


def test_its_own_tests_pass(bare: Environment) -> None:
    """The contract suites, as the plugin's author runs them: with pytest and no plugin of it."""
    alone = bare.but(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    passed = alone.run(bare.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=EXAMPLE).stdout
    assert " passed" in passed
    assert "skipped" not in passed


def _ask(host: str, port: int, request: dict[str, Any]) -> dict[str, Any]:
    with socket.create_connection((host, port), timeout=60) as line:
        line.sendall(b"ask " + json.dumps(request).encode() + b"\n")
        word, _, body = line.makefile("rb").readline().partition(b" ")
    assert word == b"reply", body
    reply: dict[str, Any] = json.loads(body)
    return reply
