"""`patina jobs` and the jobs of `patina index`, with a daemon whose model takes its time."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from patina.cli import main

if TYPE_CHECKING:
    from tests.integration.conftest import House

FILES = 40
FOR_EVER = "60"

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def apples(house: House, tmp_path: Path) -> Path:
    """A folder of files, and the fakes installed: a model that is at its first two texts for a minute."""
    about = tmp_path / "site" / "patina_plugin_fakes-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: patina-plugin-fakes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[patina]\nfakes = fakes_plugin:PLUGIN\n")
    (tmp_path / "site" / "fakes_plugin.py").write_text("from patina.testing import FakePlugin\nPLUGIN = FakePlugin()\n")
    house.env["PYTHONPATH"] = f"{tmp_path / 'site'}:{house.env.get('PYTHONPATH', '')}".rstrip(":")
    house.env["PATINA_DEFAULTS_EMBEDDER"] = "fake"
    house.env["PATINA_EMBEDDERS_FAKE_DELAY_S"] = FOR_EVER
    folder = house.work / "apples"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Apple number {number} is red.\n")
    return folder


@pytest.fixture
def cli(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command in this process, which saves an interpreter's start: exit code, output, errors."""
    for name in ("PATINA_HOME", "PATINA_SOCKET", "PATINA_EMBEDDERS_ONNX_MODEL"):
        monkeypatch.setenv(name, house.env[name])

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(map(str, words)))
        return code, *capsys.readouterr()

    return run


def told(cli: Cli, *words: str | Path) -> Any:
    code, out, err = cli(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def embedding(house: House, cli: Cli, *words: str | Path) -> subprocess.Popen[str]:
    """A command in a process of its own, whose job is with the model."""
    client = subprocess.Popen(
        house.command(*words), env=house.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not [job for job in told(cli, "jobs", "list", "--state", "running")["jobs"] if job["stage"] == "embed"]:
        assert client.poll() is None, client.communicate()
    return client


def test_jobs_are_begun_listed_cancelled_and_resumed(house: House, apples: Path, cli: Cli) -> None:
    with house.serving("--transport", "unix") as daemon:
        daemon.addresses(1)
        job = told(cli, "index", apples, "--detach")
        assert (job["id"], job["kind"], job["repo"]) == (1, "index", "apples")
        for words in (["status"], ["jobs", "show", "1"]):
            assert "Job 1, indexing apples, is " in cli(*words)[1]
        for _ in range(2):
            assert told(cli, "jobs", "cancel", "1")["state"] == "cancelled"
        assert "No job is running." in cli("jobs", "list", "--state", "running")[1]
        assert "apples" in cli("jobs", "list")[1]
        code, _, err = cli("jobs", "watch", "1")
        assert (code, "Job 1 is cancelled." in err) == (1, True)
        assert "Watch it with 'patina jobs watch 1'." in cli("jobs", "resume", "1")[1]
        assert "Job 1 is cancelled" in cli("jobs", "cancel", "1")[1]
        for command in ("show", "watch", "cancel", "resume", "retry"):
            code, _, err = cli("jobs", command, "4711")
            assert (code, "no job 4711" in err) == (2, True)


def test_ctrl_c_cancels_the_job_and_a_killed_client_does_not(house: House, apples: Path, cli: Cli) -> None:
    with house.serving("--transport", "unix") as daemon:
        daemon.addresses(1)
        client = embedding(house, cli, "index", apples)
        client.send_signal(signal.SIGINT)
        out, err = client.communicate(timeout=60)
        assert (client.returncode, out) == (130, "")
        assert "Job 1 is cancelled after" in err
        assert "All of it is stored, and embedded behind." in err
        assert told(cli, "status")["collections"][0]["documents"] == FILES
        client = embedding(house, cli, "index", apples)
        client.kill()
        client.communicate()
        assert told(cli, "status")["jobs"][0]["state"] == "running"


def test_a_daemon_that_is_told_to_end_leaves_its_jobs_to_the_next(house: House, apples: Path, cli: Cli) -> None:
    house.env["PATINA_EMBEDDERS_FAKE_DELAY_S"] = "1"
    with house.serving("--transport", "unix") as daemon:
        daemon.addresses(1)
        client = embedding(house, cli, "index", apples)
        assert daemon.ends(signal.SIGTERM)[0] == 0
        _, err = client.communicate(timeout=60)
        assert (client.returncode, "goes on when one runs" in err) == (3, True)
    house.env["PATINA_EMBEDDERS_FAKE_DELAY_S"] = "0"
    assert house.json("scry", "apple", "--standalone")["hits"]
    [left] = json.loads(house.ok("jobs", "list", "--json"))["jobs"]
    assert (left["state"], left["ended_at"]) == ("interrupted", None)
    for command in ("watch", "cancel"):
        assert cli("jobs", command, "1")[0] == 3
    with house.serving("--transport", "unix") as daemon:
        daemon.addresses(1)
        code, out, _ = cli("jobs", "watch", "1")
        assert (code, out.startswith("apples: ")) == (0, True)
        assert told(cli, "jobs", "show", "1")["reports"][0]["unchanged"] == FILES
        assert told(cli, "status")["collections"][0]["embedded"] == FILES
        assert cli("jobs", "resume", "1")[0] == 2


def test_what_needs_a_daemon_says_so(house: House, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATINA_AUTO_START", "0")
    code, _, err = cli("index", house.work, "--detach")
    assert (code, "--detach needs a daemon" in err) == (2, True)
    assert cli("jobs", "resume", "1")[0] == 3
    assert cli("jobs", "list")[1] == "There are no jobs.\n"
    assert not (house.home / "logs").exists()
