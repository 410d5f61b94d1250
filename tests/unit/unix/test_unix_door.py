"""Where the socket is, who may use it, and what is left of it."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from patina import wire
from patina.errors import ConfigError, Denied, Failed, Locked, Refused, Unavailable
from patina.testing import FakeService
from patina.testing.samples import REPLIES
from patina.types import Endpoint
from patina_unix import dialer as dialing
from patina_unix import door as doors
from patina_unix.dialer import UnixDialer
from patina_unix.door import UnixDoor
from patina_unix.settings import UnixSettings

FDS = Path("/proc/self/fd")


def door(path: Path, **settings: Any) -> UnixDoor:
    return UnixDoor(UnixSettings(socket=str(path), **settings))


async def ping(path: Path, **settings: Any) -> wire.Pong:
    async with UnixDialer(UnixSettings(**settings)).connect(Endpoint("unix", str(path)), None) as connection:
        return await connection.handle(wire.Ping())


async def refusal(path: Path) -> Exception:
    try:
        async with door(path).listen(FakeService()):
            raise AssertionError("the door opened")
    except (ConfigError, Failed, Locked, Refused) as error:
        return error


async def test_only_the_owner_can_reach_the_socket(folder: Path) -> None:
    path = folder / "made" / "p.sock"
    async with door(path).listen(FakeService()) as (endpoint,):
        assert endpoint == Endpoint("unix", str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [entry.name for entry in path.parent.iterdir()] == ["p.sock"]
    assert list(path.parent.iterdir()) == []


async def test_a_folder_that_others_can_enter_is_refused(folder: Path) -> None:
    os.chmod(folder, 0o755)  # noqa: PTH101, S103
    error = await refusal(folder / "p.sock")
    assert isinstance(error, Refused)
    assert str(folder) in error.message
    assert "chmod 700" in error.hint


async def test_a_link_in_place_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "real").mkdir(0o700)
    (folder / "link").symlink_to(folder / "real")
    assert isinstance(await refusal(folder / "link" / "p.sock"), Refused)


async def test_a_file_in_place_of_the_socket_is_left_alone(folder: Path) -> None:
    path = folder / "p.sock"
    path.write_text("precious")
    assert isinstance(await refusal(path), Refused)
    assert path.read_text() == "precious"
    (folder / "link.sock").symlink_to(path)
    assert isinstance(await refusal(folder / "link.sock"), Refused)


async def test_a_stale_socket_is_replaced(folder: Path) -> None:
    path = folder / "p.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with door(path).listen(FakeService()):
        assert await ping(path) == REPLIES[wire.Ping]


async def test_a_socket_in_use_is_not_taken_over(folder: Path) -> None:
    path = folder / "p.sock"
    async with door(path).listen(FakeService()):
        assert isinstance(await refusal(path), Locked)
        assert await ping(path) == REPLIES[wire.Ping]


async def test_a_successors_socket_is_not_removed(folder: Path) -> None:
    path = folder / "p.sock"
    async with door(path).listen(FakeService()):
        path.unlink()
        path.write_text("a successor's")
    assert path.read_text() == "a successor's"


async def test_a_path_that_cannot_be_bound_is_one_sentence(folder: Path) -> None:
    assert isinstance(await refusal(folder / ("x" * 200)), ConfigError)
    (folder / "file").write_text("")
    assert isinstance(await refusal(folder / "file" / "p.sock"), Failed)


async def test_another_user_is_denied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "p.sock"
    async with door(path).listen(FakeService()):
        monkeypatch.setattr(doors, "peer_uid", lambda _: os.geteuid() + 1)
        with pytest.raises(Denied, match=str(os.geteuid() + 1)):
            await ping(path)
        monkeypatch.undo()
        assert await ping(path) == REPLIES[wire.Ping]


async def test_a_client_trusts_only_its_own_daemon(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "p.sock"
    service = FakeService()
    async with door(path).listen(service):
        monkeypatch.setattr(dialing, "peer_uid", lambda _: os.geteuid() + 1)
        with pytest.raises(Denied):
            await ping(path)
    assert not service.requests


async def test_too_many_connections_are_turned_away(
    opened: Callable[..., AbstractAsyncContextManager[Any]], folder: Path
) -> None:
    async with opened(max_connections=1) as wire_:
        await wire_.greet()
        with pytest.raises(Exception, match="1 connections are open"):
            await ping(folder / "p.sock")


async def test_who_only_knocks_is_no_trouble(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "p.sock"
    async with door(path).listen(FakeService()):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as knocking:
                knocking.connect(str(path))
        assert await ping(path) == REPLIES[wire.Ping]
    assert not caplog.records


async def test_where_nothing_is_nobody_answers(folder: Path) -> None:
    with pytest.raises(Unavailable, match=str(folder)) as caught:
        await ping(folder / "p.sock")
    assert caught.value.outcome.exit_code == 3
    assert "patina serve" in caught.value.hint


async def test_a_daemon_that_hangs_is_not_taken_for_none(folder: Path) -> None:
    path = folder / "p.sock"
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(path))
        hanging.listen()
        with pytest.raises(Unavailable, match="does not answer"):
            await ping(path, hello_timeout_s=0.1)


async def test_opening_and_closing_leaves_nothing_behind(folder: Path) -> None:
    async def cycle() -> None:
        async with door(folder / "p.sock").listen(FakeService()):
            await ping(folder / "p.sock")

    def state() -> tuple[int, int, int]:
        return threading.active_count(), len(list(FDS.iterdir())) if FDS.is_dir() else 0, len(asyncio.all_tasks())

    await cycle()
    before = state()
    for _ in range(20):
        await cycle()
    assert state() == before


async def test_what_takes_longer_than_the_deadline_is_ended(folder: Path) -> None:
    service = FakeService()
    service.gate.clear()
    async with door(folder / "p.sock", drain_timeout_s=0.1).listen(service):
        asking = asyncio.create_task(ping(folder / "p.sock"))
        while not service.requests:
            await asyncio.sleep(0.005)
    assert service.cancelled == 1
    with pytest.raises(Unavailable, match="stopping"):
        await asking


async def test_a_connection_that_is_closed_while_in_use_leaves_nobody_waiting(folder: Path) -> None:
    service = FakeService()
    service.gate.clear()
    async with door(folder / "p.sock", drain_timeout_s=0.1).listen(service) as (endpoint,):
        async with UnixDialer(UnixSettings()).connect(endpoint, None) as connection:
            asking = asyncio.create_task(connection.handle(wire.Ping()))
            while not service.requests:
                await asyncio.sleep(0.005)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(asking, 10)
