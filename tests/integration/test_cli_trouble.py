"""Daemons that hang, plugins that break, users who press Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import House

HELLO = """
import patina

@patina.hookimpl
def patina_commands(app):
    app.command("hello_commands:greet", name="greet", help="Say hello.")
    app.command("hello_commands:missing", name="lost", help="It is not there.")
    app.command("no_such_module:run", name="gone", help="It is nowhere.")
"""
COMMANDS = """
def greet(name: str = "you") -> int:
    print(f"Hello, {name}.")
    return 7
"""


@contextmanager
def somebody_silent(path: str) -> Iterator[None]:
    """A process that lets clients connect and never says a word."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        yield


def install(folder: Path, name: str, **modules: str) -> dict[str, str]:
    """A distribution with one plugin, and the environment in which it is installed."""
    about = folder / f"patina_plugin_{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: patina-plugin-{name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[patina]\n{name} = {name}_plugin\n")
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def test_a_daemon_that_hangs_is_an_error_and_nothing_is_done_around_it(house: House) -> None:
    env = {"PATINA_TRANSPORTS_UNIX_HELLO_TIMEOUT_S": "0.3"}
    with somebody_silent(house.env["PATINA_SOCKET"]):
        for words in (["scry", "x"], ["status"], ["index", "."]):
            done = house.run(*words, env=env)
            assert done.returncode == 3
            assert house.env["PATINA_SOCKET"] in done.stderr
    assert not (house.home / "data").exists()


def test_ctrl_c_ends_a_command_with_130(house: House) -> None:
    with somebody_silent(house.env["PATINA_SOCKET"]):
        scry = subprocess.Popen(
            house.command("scry", "x", "-v"), env=house.env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with scry:
            assert scry.stderr is not None
            assert "Asking" in scry.stderr.readline()
            scry.send_signal(signal.SIGINT)
            out, err = scry.communicate(timeout=60)
    assert (scry.returncode, out) == (130, "")
    assert "Interrupted" in err
    assert "Traceback" not in err


def test_a_plugins_command_is_called_with_its_own_exit_code(house: House, tmp_path: Path) -> None:
    env = install(tmp_path / "site", "hello", hello_plugin=HELLO, hello_commands=COMMANDS)
    assert "Say hello." in house.ok("--help", env=env)
    done = house.run("greet", "--name", "Ada", env=env)
    assert (done.returncode, done.stdout) == (7, "Hello, Ada.\n")
    assert "Hello" not in house.ok("plugins", env=env)
    assert "patina_commands" in house.ok("plugins", "info", "hello", env=env)


@pytest.mark.parametrize("command", ["lost", "gone"])
def test_a_plugins_command_that_cannot_be_loaded_exits_1(house: House, tmp_path: Path, command: str) -> None:
    env = install(tmp_path / "site", "hello", hello_plugin=HELLO, hello_commands=COMMANDS)
    done = house.run(command, env=env)
    assert done.returncode == 1
    assert command in done.stderr
    assert "patina plugins" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('broken at import')",
        HELLO.replace("app.command", "raise RuntimeError('broken when asked'), app.command"),
        HELLO.replace("patina_commands", "patina_comands"),
    ],
)
def test_a_broken_plugin_is_reported_and_stops_nobody(house: House, tmp_path: Path, code: str) -> None:
    env = install(tmp_path / "site", "hello", hello_plugin=code)
    assert "scry" in house.ok("--help", env=env)
    assert house.run("greet", env=env).returncode == 2
    house.ok("scry", "x", "--standalone", env=env)
