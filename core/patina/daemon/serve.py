"""A daemon from its first breath to its last: lock, engine, doors, and the way out.

The engine takes the home's lock, the doors open before any model is loaded, and only then is the daemon announced.
Whatever asks it to end (a signal, a request, idleness) goes one way: close the doors, let what is in flight end within
`drain_timeout_s`, close the engine.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from patina import lock
from patina.access import AuditLog
from patina.config import Config
from patina.daemon.doors import opened
from patina.errors import ConfigError
from patina.registry import Registry
from patina.types import Endpoint

if TYPE_CHECKING:
    from patina.engine import Patina

log = logging.getLogger(__name__)

END_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Announce = Callable[[Sequence[Endpoint]], None]


def run(
    config: Config,
    *,
    transports: Sequence[str] = (),
    announce: Announce,
    idle_exit_s: float | None = None,
) -> None:
    """Serve until told to end. `announce` is called once, with every address, when all doors are open.

    `transports` takes the place of the configuration's; with `idle_exit_s` it ends by itself when unused for so long.
    Raises what kept it from starting: `ConfigError`, `Locked`, what a door says of its address.
    """
    registry = Registry.load(config.plugins)
    names = list(dict.fromkeys(transports or config.daemon.transports))
    _check(names, registry)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(config, registry, names, announce, idle_exit_s))


def _check(names: Sequence[str], registry: Registry) -> None:
    installed = sorted(name for name, offer in registry.transports.items() if offer.listen is not None)
    for name in names:
        if name not in installed:
            raise ConfigError(
                f"There is no transport named {name!r}.",
                hint=f"Installed: {', '.join(installed) or 'none'}.",
                param="daemon.transports",
            )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(
    config: Config, registry: Registry, names: Sequence[str], announce: Announce, idle_exit_s: float | None
) -> None:
    from patina.engine import Patina

    told = asyncio.Event()
    _end_on_signals(told)
    async with Patina(config, registry=registry) as engine:
        engine.audit = AuditLog(config.home)
        doors = (registry.door(name, config) for name in names)
        async with opened(doors, engine, config.daemon.drain_timeout_s) as endpoints:
            _ready(engine, endpoints, announce)
            await _until_the_end(engine, told, idle_exit_s)
            await engine.rooms.jobs.stop()  # before the doors drain: nobody shall wait for a job that will not end


def _ready(engine: "Patina", endpoints: list[Endpoint], announce: Announce) -> None:
    engine.endpoints = endpoints
    addresses = [str(endpoint) for endpoint in endpoints]
    lock.announce(engine.config.home, addresses)
    log.info("Ready, pid %d, at %s.", os.getpid(), ", ".join(addresses))
    announce(endpoints)


def _end_on_signals(told: asyncio.Event) -> None:
    def end(number: int) -> None:
        if told.is_set():
            log.warning("Ended at once by a second signal.")
            os._exit(128 + number)  # the store is safe against this: nothing acknowledged is lost
        log.info("Ending: %s.", signal.Signals(number).name)
        told.set()

    loop = asyncio.get_running_loop()
    for number in END_SIGNALS:
        loop.add_signal_handler(number, end, number)


async def _until_the_end(engine: "Patina", told: asyncio.Event, idle_exit_s: float | None) -> None:
    """Wait for whichever comes first: a signal, a `Shutdown` request, too long an idleness."""
    reasons: list[Coroutine[Any, Any, bool]] = [told.wait(), engine.shutdown_requested.wait()]
    if idle_exit_s is not None:
        reasons.append(_idle(engine, idle_exit_s))
    tasks = [asyncio.ensure_future(reason) for reason in reasons]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _idle(engine: "Patina", limit_s: float) -> bool:
    """Return once nothing has been asked, and nothing has been under way, for `limit_s`."""
    while True:
        rest = limit_s - (time.monotonic() - engine.last_activity)
        if engine.busy:
            rest = limit_s
        elif rest <= 0:
            log.info("Ending: idle for %.0f s.", limit_s)
            return True
        await asyncio.sleep(rest)
