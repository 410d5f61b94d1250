"""Doors that open one after the other and close together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from patina.protocols import Door, Service
from patina.types import Endpoint

log = logging.getLogger(__name__)


@asynccontextmanager
async def opened(doors: Iterable[Door], service: Service, drain_timeout_s: float) -> AsyncIterator[list[Endpoint]]:
    """Every door open, or none: raises what kept one shut.

    Left: no door accepts any more, from the same moment on; requests that have not ended in time are cut off.
    """
    closing = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    endpoints: list[Endpoint] = []
    try:
        for door in doors:
            open_ = asyncio.get_running_loop().create_future()
            tasks.append(asyncio.create_task(_kept_open(door, service, open_, closing)))
            endpoints += await open_
        yield endpoints
    finally:
        closing.set()
        await _closed(tasks, drain_timeout_s)


async def _kept_open(
    door: Door, service: Service, open_: asyncio.Future[Sequence[Endpoint]], closing: asyncio.Event
) -> None:
    try:
        async with door.listen(service) as endpoints:
            open_.set_result(endpoints)
            await closing.wait()
    except Exception as error:
        if open_.done():
            raise
        open_.set_exception(error)


async def _closed(tasks: Sequence[asyncio.Task[None]], drain_timeout_s: float) -> None:
    late = (await asyncio.wait(tasks, timeout=drain_timeout_s))[1] if tasks else set()
    if late:
        log.warning("Some requests had not ended after %.0f s and were cut off.", drain_timeout_s)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            log.error("A door did not close well.", exc_info=result)
