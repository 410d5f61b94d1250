"""The listening half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from patina.errors import Busy, ConfigError, Denied, PatinaError
from patina.protocols import Service
from patina.types import Endpoint
from patina.wire import Caller
from patina_unix.frames import Line
from patina_unix.session import Session
from patina_unix.settings import UnixSettings
from patina_unix.socketfile import listening, peer_uid, trusted


class UnixDoor:
    """Listens on a socket that only its owner can open, and checks who connects all the same."""

    def __init__(self, settings: UnixSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def listen(self, service: Service) -> AsyncIterator[Sequence[Endpoint]]:
        """Raises `Refused`, `Locked` or `Failed` when the path cannot be had."""
        if not self._settings.socket:
            raise ConfigError("The Unix door has no path.", hint="Set PATINA_SOCKET.", param="transports.unix.socket")
        path = Path(self._settings.socket)
        with listening(path) as sock:
            hall = Hall(service, self._settings)
            server = await asyncio.start_unix_server(hall.enter, sock=sock)
            try:
                yield [Endpoint("unix", str(path))]
            finally:
                server.close()
                await hall.close()
                await server.wait_closed()


class Hall:
    """The connections that are open."""

    def __init__(self, service: Service, settings: UnixSettings) -> None:
        self._service = service
        self._settings = settings
        self._sessions: dict[asyncio.Task[None], Session] = {}

    def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to serve a connection, in a task of its own."""
        if len(self._sessions) >= 2 * self._settings.max_connections:
            writer.close()  # not even a refusal is for nothing
            return
        line = Line(reader, writer, self._settings)
        uid = peer_uid(writer.get_extra_info("socket"))
        caller = Caller(origin="unix", name="" if uid is None else f"uid {uid}")
        session = Session(self._service, line, caller, self._settings, self._refusal(uid))
        task = asyncio.create_task(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._sessions.pop)

    async def close(self) -> None:
        """Let what is under way end within the deadline, then end it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout_s):
                await asyncio.gather(*(session.drain() for session in self._sessions.values()))
        tasks = list(self._sessions)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _refusal(self, uid: int | None) -> PatinaError | None:
        if not trusted(uid):
            return Denied(f"User {uid} may not use this daemon.", hint="Each user runs a daemon of their own.")
        if len(self._sessions) >= self._settings.max_connections:
            return Busy(f"{self._settings.max_connections} connections are open.", hint="Try again in a moment.")
        return None
