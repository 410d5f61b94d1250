"""A daemon's life, as its user sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patina import lock

if TYPE_CHECKING:
    from tests.integration.conftest import House

CROWD = 20
ENSURE = """
import asyncio, os, sys
from patina.client import connect
from patina.config import load
from patina.daemon.start import ensure_running

async def pid(config):
    async with connect(ensure_running(config), config=config) as client:
        return (await client.ping()).pid

children = []
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        os.write(1, b"%d\\n" % asyncio.run(pid(load())))
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""

LAUNCH = """
from patina.config import load
from patina.daemon.start import launch
assert launch(load(), ["--transport", "unix", "--idle-exit"])
"""


def test_serve_prints_its_addresses_once_it_answers_there(house: House) -> None:
    with house.serving() as daemon:
        http, unix = daemon.addresses()
        assert http.startswith("http://127.0.0.1:")
        assert not http.endswith(":0")
        assert unix == f"unix:{house.env['PATINA_SOCKET']}"
        host, _, port = http.removeprefix("http://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()
        assert house.json("ping")["pid"] == daemon.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(house: House, number: signal.Signals) -> None:
    with house.serving() as daemon:
        daemon.addresses()
        code, said = daemon.ends(number)
    assert code == 0
    assert number.name in said
    assert "Traceback" not in said
    assert not Path(house.env["PATINA_SOCKET"]).exists()
    assert house.run("ping").returncode == 3
    assert lock.wait_until_free(house.home, 0)


def test_stop_ends_it_and_returns_when_it_is_gone(house: House) -> None:
    with house.serving() as daemon:
        daemon.addresses()
        assert str(daemon.process.pid) in house.ok("daemon", "stop")
        assert lock.wait_until_free(house.home, 0)
        assert daemon.ends()[0] == 0
    assert house.run("daemon", "stop").returncode == 3


def test_a_second_one_names_the_first_and_exits_4(house: House) -> None:
    with house.serving() as daemon:
        daemon.addresses()
        second = house.run("serve")
        assert second.returncode == 4
        assert str(daemon.process.pid) in second.stderr
        assert second.stdout == ""
        assert house.json("ping")["pid"] == daemon.process.pid


def test_a_port_in_use_is_named_and_exits_1(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = house.run("serve", "--port", str(port))
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
    assert lock.wait_until_free(house.home, 0)


def test_a_bind_beyond_loopback_is_refused_with_6(house: House) -> None:
    done = house.run("serve", "--host", "0.0.0.0")
    assert done.returncode == 6
    assert "0.0.0.0" in done.stderr


def test_transport_chooses_the_doors(house: House) -> None:
    with house.serving("--transport", "unix") as daemon:
        assert daemon.addresses(1)[0].startswith("unix:")
        assert house.json("daemon", "status")["endpoints"] == daemon.addresses(1)


def test_a_daemon_without_a_socket_is_found_by_its_other_door(house: House) -> None:
    with house.serving("--transport", "http") as daemon:
        (http,) = daemon.addresses(1)
        done = house.run("ping", "-v", "--json")
        assert json.loads(done.stdout)["pid"] == daemon.process.pid
        assert http in done.stderr


def test_a_killed_daemon_leaves_nothing_in_the_way(house: House) -> None:
    with house.serving() as daemon:
        daemon.addresses()
        daemon.ends(signal.SIGKILL)
    assert Path(house.env["PATINA_SOCKET"]).exists()
    assert house.run("status").returncode == 3
    with house.serving() as daemon:
        daemon.addresses()
        assert house.daemon_pid() == daemon.process.pid


def test_serve_in_the_background_returns_once_it_answers(house: House) -> None:
    started = house.json("serve", "--daemon", "--transport", "unix")
    assert started["endpoints"] == [f"unix:{house.env['PATINA_SOCKET']}"]
    assert Path(started["log"]).read_text().count("Ready, pid") == 1
    assert house.daemon_pid() > 0
    again = house.run("serve", "--daemon")
    assert again.returncode == 4
    assert "holds" in again.stderr


def test_a_project_configures_the_daemon_that_is_started_in_it_by_hand_and_no_other(house: House) -> None:
    project = house.work / "project"
    (project / ".patina").mkdir(parents=True)
    (project / ".patina" / "config.toml").write_text('[daemon]\ntransports = ["unix"]\n')
    with house.serving(cwd=project) as daemon:
        daemon.addresses(1)
        assert house.json("daemon", "status")["endpoints"] == daemon.addresses(1)
    (project / ".patina" / "config.toml").write_text("[daemon]\nidle_exit_s = 0\n")
    house.ok("scry", "x", cwd=project)
    assert house.json("status")["collections"] == []  # still there: it has not taken the project's word


def test_many_commands_at_once_start_one_daemon(house: House) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind_by_a_crash:
        left_behind_by_a_crash.bind(house.env["PATINA_SOCKET"])
    house.home.mkdir(mode=0o700)
    (house.home / "daemon.lock").write_text('{"pid": 1, "started": 0, "version": "0"}')
    done = subprocess.run(
        [sys.executable, "-c", ENSURE, str(CROWD)],
        env=house.env,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    pids = done.stdout.split()
    assert len(pids) == CROWD
    assert len(set(pids)) == 1
    assert (house.home / "logs" / "daemon.log").read_text().count("Ready, pid") == 1
    assert house.daemon_pid() == int(pids[0])


def test_a_started_daemon_leaves_when_nobody_needs_it(house: House) -> None:
    launched = [sys.executable, "-c", LAUNCH]
    subprocess.run(launched, env={**house.env, "PATINA_DAEMON_IDLE_EXIT_S": "0.2"}, timeout=90, check=True)
    assert lock.wait_until_free(house.home, 30)
    assert "idle" in (house.home / "logs" / "daemon.log").read_text()


def test_a_daemon_that_cannot_start_says_why_through_the_command(house: House) -> None:
    done = house.run("scry", "x", env={"PATINA_DEFAULTS_INDEX": "hybird"})
    assert done.returncode == 2
    assert "hybrid" in done.stderr
    assert done.stdout == ""


def test_a_daemon_that_dies_while_it_starts_shows_the_end_of_its_log(house: House) -> None:
    folder = house.work / "broken"
    folder.mkdir()
    (folder / "uvloop.py").write_text("raise SystemExit('no loop today')\n")
    done = house.run("scry", "x", env={"PYTHONPATH": str(folder)})
    assert done.returncode == 3
    assert "no loop today" in done.stderr
    assert str(house.home / "logs" / "daemon.log") in done.stderr


def test_a_command_waits_for_one_that_holds_the_home_by_failing_with_its_name(house: House) -> None:
    mine = lock.HomeLock(house.home)
    mine.acquire()
    done = house.run("scry", "x")
    mine.release()
    assert done.returncode == 4
    assert str(os.getpid()) in done.stderr


def test_a_second_signal_does_not_wait_for_what_is_in_flight(house: House) -> None:
    with house.serving("--set", "daemon.drain_timeout_s=600") as daemon:
        http, _ = daemon.addresses()
        host, _, port = http.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as half_a_request:
            half_a_request.sendall(
                b"POST /api/scry HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            house.ok("ping")
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.stderr is not None
            while "Ending: SIGTERM" not in daemon.process.stderr.readline():
                pass
            code, said = daemon.ends(signal.SIGTERM)
    assert code == 128 + signal.SIGTERM
    assert "second signal" in said
