"""Doors open one after the other and close together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest

from patina.daemon.doors import opened
from patina.errors import Failed
from patina.protocols import Service
from patina.types import Endpoint

NOBODY = cast("Service", None)


class Gate:
    """A door that tells what happens to it."""

    def __init__(self, name: str, events: list[str], *, shut: bool = False, drains_for_s: float = 0) -> None:
        self.name = name
        self.events = events
        self.shut = shut
        self.drains_for_s = drains_for_s

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        if self.shut:
            raise Failed(f"{self.name} is shut.")
        self.events.append(f"{self.name} opens")
        yield [Endpoint("unix", f"/{self.name}")]
        self.events.append(f"{self.name} stops accepting")
        try:
            await asyncio.sleep(self.drains_for_s)
            self.events.append(f"{self.name} has drained")
        except asyncio.CancelledError:
            self.events.append(f"{self.name} is cut off")
            raise


async def test_all_doors_stop_accepting_before_any_waits_for_its_requests() -> None:
    events: list[str] = []
    async with opened([Gate("a", events, drains_for_s=0.01), Gate("b", events)], NOBODY, 30) as endpoints:
        assert [str(endpoint) for endpoint in endpoints] == ["unix:/a", "unix:/b"]
        events.clear()
    assert events == ["a stops accepting", "b stops accepting", "b has drained", "a has drained"]


async def test_a_door_that_stays_shut_closes_the_others_and_says_why() -> None:
    events: list[str] = []
    with pytest.raises(Failed, match="b is shut"):
        async with opened([Gate("a", events), Gate("b", events, shut=True), Gate("c", events)], NOBODY, 30):
            pytest.fail("not all doors are open")
    assert events == ["a opens", "a stops accepting", "a has drained"]


async def test_what_does_not_end_in_time_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    with caplog.at_level(logging.WARNING):
        async with opened([Gate("a", events, drains_for_s=3600)], NOBODY, 0.01):
            pass
    assert events[-1] == "a is cut off"
    assert "cut off" in caplog.text
