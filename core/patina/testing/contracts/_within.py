"""Asynchronous tests without a pytest plugin, each with a limit."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

S = TypeVar("S")
P = ParamSpec("P")
Waiting = Callable[Concatenate[S, P], Coroutine[Any, Any, None]]


def within(limit_s: float) -> Callable[[Waiting[S, P]], Callable[Concatenate[S, P], None]]:
    """Run the test in an event loop of its own; `TimeoutError` after `limit_s`: what hangs must fail, not wait."""

    def decorate(test: Waiting[S, P]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(test)
        def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            async def limited() -> None:
                await asyncio.wait_for(test(self, *args, **kwargs), limit_s)

            asyncio.run(limited())

        return run

    return decorate
