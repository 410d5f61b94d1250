"""`kill -9` of the daemon in the middle of a job: the next daemon goes on by itself, as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from patina import wire
from patina.client import Client, connect
from patina.config import Config

pytestmark = pytest.mark.crash

STDLIB = Path(sysconfig.get_path("stdlib"))
PACKAGES = [str(STDLIB / name) for name in ("json", "logging", "http", "email")]
PLUGIN = "from patina.testing import FakePlugin\nPLUGIN = FakePlugin()\n"
KILLS = 10
SOON_S = 60


class Home(NamedTuple):
    """A home and how its daemon is run: with a model that needs a moment for each text."""

    folder: Path
    env: dict[str, str]

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[tuple[subprocess.Popen[bytes], Client]]:
        """A daemon and its client; killed at the end."""
        command = [sys.executable, "-P", "-m", "patina", "serve", "--transport", "unix"]
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220
            try:
                assert process.stdout is not None
                assert process.stdout.readline().startswith(b"Listening")
                config = Config(home=self.folder)
                async with connect(f"unix:{self.env['PATINA_SOCKET']}", config=config) as client:
                    yield process, client
            finally:
                process.kill()


def installed(folder: Path) -> Path:
    """The fakes as a distribution that a daemon finds."""
    about = folder / "patina_plugin_fakes-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: patina-plugin-fakes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[patina]\nfakes = fakes_plugin:PLUGIN\n")
    (folder / "fakes_plugin.py").write_text(PLUGIN)
    return folder


def home(folder: Path, site: Path, sockets: str) -> Home:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "XDG_"))}
    path = os.pathsep.join(filter(None, [str(site), inherited.get("PYTHONPATH", "")]))
    settings = {
        "PYTHONPATH": path,
        "PATINA_HOME": str(folder),
        "PATINA_SOCKET": f"{sockets}/{folder.name}",
        "PATINA_DEFAULTS_EMBEDDER": "fake",
        "PATINA_EMBEDDERS_FAKE_DELAY_S": "0.001",
    }
    return Home(folder, {**inherited, **settings})


async def finished(client: Client, job: int) -> wire.Job:
    async with asyncio.timeout(SOON_S):
        return (await client.handle(wire.WatchJob(id=job))).job


async def ids(client: Client) -> list[tuple[str, str]]:
    assert (await client.verify(full=True)).faults == []
    return [(chunk.path, chunk.id) async for chunk in client.export()]


async def undisturbed(at: Home) -> tuple[list[tuple[str, str]], float]:
    """The passages of a run that nothing disturbs, and how long it takes."""
    async with at.daemon() as (_, client):
        job = await client.handle(wire.Start(work=wire.IndexPaths(paths=PACKAGES, name="stdlib")))
        done = await finished(client, job.id)
        assert (done.state, done.started_at is not None) == ("succeeded", True)
        return await ids(client), (done.ended_at or 0) - job.created_at


async def killed_within(at: Home, seconds: float) -> None:
    async with at.daemon() as (process, client):
        await client.handle(wire.Start(work=wire.IndexPaths(paths=PACKAGES, name="stdlib")))
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()


async def test_a_job_goes_on_by_itself_after_a_kill_at_any_moment(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as sockets:
        expected, took_s = await undisturbed(home(tmp_path / "undisturbed", site, sockets))
        assert len(expected) > 200
        for number in range(KILLS):
            at = home(tmp_path / f"killed-{number}", site, sockets)
            await killed_within(at, moments.uniform(0, took_s))
            async with at.daemon() as (_, client):
                job = await finished(client, 1)
                said = f"seed {seed}, kill {number}: {job}"
                assert (job.state, job.failed) == ("succeeded", 0), said
                assert job.attempts <= 2, said
                assert await ids(client) == expected, said
                assert (await client.status()).jobs == []


async def test_what_kills_the_daemon_each_time_is_not_begun_for_ever(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as sockets:
        at = home(tmp_path / "home", site, sockets)
        at.env["PATINA_EMBEDDERS_FAKE_DELAY_S"] = "1"
        for attempt in range(3):
            async with at.daemon() as (process, client):
                if attempt == 0:
                    await client.handle(wire.Start(work=wire.IndexPaths(paths=PACKAGES, name="stdlib")))
                while (await client.handle(wire.ShowJob(id=1))).stage != "embed":
                    await asyncio.sleep(0.05)
                process.send_signal(signal.SIGKILL)
                process.wait()
        at.env["PATINA_EMBEDDERS_FAKE_DELAY_S"] = "0"
        async with at.daemon() as (_, client):
            job = await client.handle(wire.ShowJob(id=1))
            assert (job.state, job.attempts) == ("interrupted", 3)
            assert "patina jobs resume 1" in (job.message or "")
            await client.handle(wire.ResumeJob(id=1))
            assert (await finished(client, 1)).state == "succeeded"
