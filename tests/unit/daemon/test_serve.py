"""What ends a daemon."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from patina.config import Config
from patina.daemon.serve import _until_the_end, run
from patina.errors import ConfigError


def engine(busy: int = 0) -> Any:
    return SimpleNamespace(shutdown_requested=asyncio.Event(), busy=busy, last_activity=time.monotonic())


async def test_a_request_or_a_signal_ends_it() -> None:
    asked = engine()
    asked.shutdown_requested.set()
    await _until_the_end(asked, asyncio.Event(), None)
    told = asyncio.Event()
    told.set()
    await _until_the_end(engine(), told, None)


async def test_only_idleness_ends_it_by_itself() -> None:
    idle = engine()
    await _until_the_end(idle, asyncio.Event(), 0.01)
    working = engine(busy=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_until_the_end(working, asyncio.Event(), 0.01), 0.1)
    working.busy = 0
    await _until_the_end(working, asyncio.Event(), 0.01)


async def test_without_a_limit_idleness_is_no_reason() -> None:
    idle = engine()
    idle.last_activity -= 1e6
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_until_the_end(idle, asyncio.Event(), None), 0.05)


def test_an_unknown_transport_lists_the_installed_ones(tmp_path: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        run(Config(home=tmp_path / "home"), transports=["pigeon"], announce=print)
    assert "'pigeon'" in caught.value.message
    assert "http, unix" in caught.value.hint
    assert not (tmp_path / "home").exists()
