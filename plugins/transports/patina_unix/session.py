"""One connection as the daemon sees it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress

from patina.codec import Form, decode, decode_request, reply_type
from patina.errors import Busy, Failed, InvalidRequest, PatinaError, TooLarge, Unavailable, Unsupported
from patina.protocols import Service
from patina.wire import Caller, Failure
from patina_unix.frames import (
    LINGER_S,
    PROTOCOL,
    Answer,
    Call,
    Cancel,
    Fault,
    Frame,
    Hello,
    Line,
    Told,
    carried,
    hello_of,
)
from patina_unix.settings import UnixSettings

log = logging.getLogger(__name__)

CANCELLED = Failure(code="cancelled", message="The client cancelled this request.")
BROKEN = Failure.of(Failed("Something went wrong inside Patina.", hint="The daemon's log has the details."))
STOPPING = Failure.of(Unavailable("The daemon is stopping."))


class Session:
    """Greets, then answers calls side by side until the client goes; with it go the calls it still waited for."""

    def __init__(
        self,
        service: Service,
        line: Line,
        caller: Caller,
        settings: UnixSettings,
        refusal: PatinaError | None = None,
    ) -> None:
        """With a refusal, that is the answer to the client's hello, and the end."""
        self._service = service
        self._line = line
        self._caller = caller
        self._settings = settings
        self._calls: dict[int, asyncio.Task[None]] = {}
        """Under way, by id, until the terminal frame is about to be written."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Of these calls and of those whose terminal frame is on its way."""
        self._refused = refusal
        self._leaving = False

    async def run(self) -> None:
        form: Form = "json"
        try:
            frame = await self._greeted()
            while frame is not None:
                form = frame.form
                frame = await self._line.read()
                if frame is not None:
                    await self._take(frame)
        except PatinaError as error:
            await self._say(Fault(error=Failure.of(error)), form)
        except ConnectionError:
            pass  # it left in the middle of the greeting
        finally:
            await self._leave()

    async def drain(self) -> None:
        """Take no more calls, and wait for those under way; the caller sets the deadline."""
        self._leaving = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _greeted(self) -> Frame | None:
        """Exchange hellos; returns the client's, or None when there was none in time."""
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                frame = await self._line.read()
        except TimeoutError:
            return None
        if frame is None:
            return None
        theirs = hello_of(frame)
        if theirs.protocol[0] != PROTOCOL[0]:
            raise Unsupported(
                f"The client speaks protocol {theirs.protocol[0]}, the daemon {PROTOCOL[0]}.",
                hint="Run the same version of Patina on both sides, and restart the daemon.",
            )
        if self._refused is not None:
            raise self._refused
        self._line.max_frame_out = min(theirs.max_frame, self._settings.max_frame_bytes)
        await self._line.write(Hello(max_frame=self._settings.max_frame_bytes), frame.form)
        return frame

    async def _take(self, frame: Frame) -> None:
        message: Call | Cancel = decode(frame.body, Call | Cancel, frame.form)  # type: ignore[arg-type]
        if isinstance(message, Call):
            refusal = self._refusal(message)
            if refusal is None:
                self._begin(message, frame.form)
            else:
                await self._say(Fault(id=message.id, error=Failure.of(refusal)), frame.form)
        else:
            # Not at once: a task that is cancelled before its first step ends without a word.
            asyncio.get_running_loop().call_soon(self._cancel, message.id)

    def _refusal(self, call: Call) -> PatinaError | None:
        """Why a call is not even begun. Raises `InvalidRequest` when nobody could tell its answer from another's."""
        if call.id in self._calls:
            raise InvalidRequest(f"Request {call.id} is still under way.", param="id")
        if self._leaving:
            return STOPPING.error()
        if len(self._tasks) >= self._settings.max_in_flight:
            return Busy(f"{self._settings.max_in_flight} requests are under way on this connection.")
        return None

    def _begin(self, call: Call, form: Form) -> None:
        task = asyncio.create_task(self._attend(call, form))
        self._calls[call.id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, call_id: int) -> None:
        if call_id in self._calls:
            self._calls[call_id].cancel()

    async def _attend(self, call: Call, form: Form) -> None:
        """Answer one call with exactly one terminal frame, whatever happens to the work."""
        last = await self._last(call, form)
        del self._calls[call.id]  # from here on it cannot be cancelled, and its id is free again
        try:
            await self._say(last, form)
        except TooLarge as error:
            await self._say(Fault(id=call.id, error=Failure.of(error)), form)

    async def _last(self, call: Call, form: Form) -> Answer | Fault:
        """Do the work and tell its events; returns the terminal message."""
        try:
            reply = await self._reply(call, form)
            return Answer(id=call.id, reply=carried(reply, form))
        except (asyncio.CancelledError, ConnectionError):
            return Fault(id=call.id, error=STOPPING if self._leaving else CANCELLED)
        except PatinaError as error:
            return Fault(id=call.id, error=Failure.of(error))
        except Exception:
            log.exception("A request on the Unix socket failed")
            return Fault(id=call.id, error=BROKEN)

    async def _reply(self, call: Call, form: Form) -> object:
        request = decode_request(call.request, form)
        if not call.stream:
            return await self._service.handle(request, self._caller)
        async with aclosing(self._service.stream(request, self._caller)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, reply_type(type(request))):
                    return event
                await self._line.write(Told(id=call.id, event=carried(event, form)), form)
        raise Failed("The work ended without a reply.")

    async def _say(self, last: Answer | Fault, form: Form) -> None:
        with suppress(ConnectionError):  # nobody may be there to be told
            await self._line.write(last, form)

    async def _leave(self) -> None:
        """End what is still under way, and say so to a client that is still there."""
        self._leaving = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LINGER_S)
        await self._line.close()
        await asyncio.gather(*tasks, return_exceptions=True)
