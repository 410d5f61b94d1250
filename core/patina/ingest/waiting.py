"""Waiting for work, and what happens to it when whoever waits is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

BEAT_S = 0.2


async def to_its_end(work: Awaitable[T]) -> T:
    """What the work gives. A cancellation is not passed on to it, and is raised once the work has ended.

    For work on a thread, which nobody can stop, while a lock is held on its behalf.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def beats(work: Awaitable[T], stop: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """A beat now and then while work goes on, and one at its end; raises what the work raises.

    When the listener leaves early, the work is told to `stop` and waited for; without a `stop` it is cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=BEAT_S)
            yield
        task.result()
    finally:
        if not task.done():
            (stop or task.cancel)()
            await asyncio.gather(task, return_exceptions=True)
