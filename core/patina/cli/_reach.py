"""Who answers a command: the mothership, the daemon of this home, a new daemon, or this process itself.

A daemon that is there is asked, and its error is the answer: nothing is ever done around it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from msgspec import structs

from patina import lock
from patina.cli._lines import notice
from patina.client import Client, connect, endpoint_of
from patina.config import Config
from patina.daemon import start
from patina.errors import Denied, PatinaError, Unavailable
from patina.types import Endpoint

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; Ctrl-C cancels it and raises `KeyboardInterrupt`."""
    return asyncio.run(work)


@asynccontextmanager
async def someone(config: Config, *, standalone: bool = False, verbose: bool = False) -> AsyncIterator[Client]:
    """Whoever can answer, started if need be."""
    target = None if standalone else await _target(config)
    reached = _elsewhere(config, target, verbose) if target is not None else _here(config, verbose)
    async with reached as client:
        yield client


@asynccontextmanager
async def running_daemon(config: Config, *, verbose: bool = False, local: bool = False) -> AsyncIterator[Client]:
    """A daemon that runs already; raises `Unavailable` when none does. `local` passes by the mothership."""
    target = None if local else config.mothership
    found = target or await _found(config)
    if found is None:
        raise Unavailable(
            f"No daemon is running for {config.home}.",
            hint="Start one with 'patina serve', or ask something: 'patina scry' starts one by itself.",
        )
    async with _elsewhere(config, found, verbose) as client:
        yield client


@asynccontextmanager
async def whoever_is_there(config: Config, *, verbose: bool = False) -> AsyncIterator[Client]:
    """A daemon that runs already, else this process: to look at what is there, nothing is started."""
    found = config.mothership or await _found(config)
    async with _elsewhere(config, found, verbose) if found else _here(config, verbose) as client:
        yield client


def answers_here(config: Config, standalone: bool) -> bool:
    """Whether a command must answer in its own process, as far as is known without asking."""
    return standalone or not (config.mothership or config.auto_start or start.running(config))


async def _target(config: Config) -> Endpoint | str | None:
    if config.mothership:
        return config.mothership
    found = await _found(config)
    if found is not None:
        return found
    if config.auto_start:
        return await asyncio.to_thread(start.ensure_running, config)
    notice("No daemon is running; answering in this process.")
    return None


async def _found(config: Config) -> Endpoint | None:
    return start.running(config) or await _at_another_door(config)


async def _at_another_door(config: Config) -> Endpoint | None:
    """A daemon without a socket, found by what it wrote beside its lock and believed by its process id."""
    holder = lock.holder(config.home)
    keyless = structs.replace(config, key=None)  # whoever listens there now has yet to show that it is ours
    for address in holder.endpoints if holder else []:
        try:
            async with connect(address, config=keyless) as client:
                pong = await client.ping()
        except Denied:
            if lock.wait_until_free(config.home, 0):
                continue
            return endpoint_of(address)  # it does not say who it is, but whoever wrote that address lives
        except PatinaError:
            continue
        if holder and pong.pid == holder.pid:
            return endpoint_of(address)
    return None


@asynccontextmanager
async def _elsewhere(config: Config, target: Endpoint | str, verbose: bool) -> AsyncIterator[Client]:
    if verbose:
        notice(f"Asking the daemon at {target}.")
    async with connect(target, config=config) as client:
        yield client


@asynccontextmanager
async def _here(config: Config, verbose: bool) -> AsyncIterator[Client]:
    from patina.engine import Patina

    if verbose:
        notice(f"Answering in this process, home {config.home}.")
    # What was interrupted is not gone on with by a command that asked for something else.
    async with Patina(config, resume_jobs=False) as patina, connect(patina, config=config) as client:
        yield client
