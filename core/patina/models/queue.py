"""The fair queue in front of a model.

Every request carries a virtual tag that grows by the tokens it has had computed; a free thread takes the text whose
request has the lowest. So a question that arrives behind a bulk job is next, a bulk job still gets all that nobody
else wants, and there is no timer anywhere. Background work pays a multiple for its tokens.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
import itertools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from patina.errors import Busy, Failed, PatinaError
from patina.protocols import Embedder
from patina.types import Tokens

if TYPE_CHECKING:
    from patina.types import Vector

MAX_WAITING_TOKENS = 4_000_000
"""About five hours of one core with the default model; beyond it a request is refused whole."""


class Lane(enum.IntEnum):
    """What a request's tokens cost it in the queue: the dearer lane waits more."""

    QUESTION = 1
    REQUEST = 4
    BACKGROUND = 16


class Result(msgspec.Struct, frozen=True, eq=False):
    """One text's vector, float32 [dimension], and the tokens computed for it."""

    vector: Vector
    tokens: int
    truncated: bool


class _Ticket:
    """One request under way: which texts are still to be taken, and where the results go."""

    def __init__(self, batch: Sequence[Tokens], lane: Lane, tag: float) -> None:
        self.batch = batch
        self.lane = lane
        self.tag = tag
        self.taken = 0
        self.results: list[Result | None] = [None] * len(batch)
        self.left = len(batch)
        self.cancelled = False
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()

    def settle(self, error: PatinaError | None) -> None:
        """Called on a model thread; the loop may be gone by then."""
        try:
            self.loop.call_soon_threadsafe(self._settle, error)
        except RuntimeError:
            self.cancelled = True

    def _settle(self, error: PatinaError | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class FairQueue:
    """Model threads around one embedder, fed by lowest virtual tag."""

    def __init__(self, embedder: Embedder, threads: int, max_waiting_tokens: int = MAX_WAITING_TOKENS) -> None:
        self._embedder = embedder
        self._max_waiting_tokens = max_waiting_tokens
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, _Ticket]] = []
        self._order = itertools.count()
        self._now = 0.0  # the tag of the text that was taken last: where newcomers start
        self._waiting_tokens = 0
        self._waiting_texts = 0
        self._running = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"patina-model-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Texts that no thread has taken yet."""
        return self._waiting_texts

    @property
    def idle(self) -> bool:
        return not self._waiting_texts and not self._running

    async def embed(self, batch: Sequence[Tokens], lane: Lane) -> list[Result]:
        """Compute a whole request; results in its order. Raises `Busy` when too much is waiting already.

        A cancelled call takes its waiting texts out of the queue.
        """
        if not batch:
            return []
        ticket = self._enter(batch, lane)
        try:
            await ticket.done
        except asyncio.CancelledError:
            ticket.cancelled = True
            raise
        return [result for result in ticket.results if result is not None]

    def close(self) -> None:
        """Let the running texts end, refuse the waiting ones, and join the threads."""
        with self._ready:
            self._closed = True
            waiting = [ticket for _, _, ticket in self._heap]
            self._heap.clear()
            self._ready.notify_all()
        for ticket in waiting:
            ticket.settle(Busy("The daemon is stopping.", hint="Ask again once it runs."))
        for thread in self._threads:
            thread.join()

    def _enter(self, batch: Sequence[Tokens], lane: Lane) -> _Ticket:
        tokens = sum(item.count for item in batch)
        with self._ready:
            if self._closed:
                raise Busy("The daemon is stopping.", hint="Ask again once it runs.")
            if self._waiting_tokens + tokens > self._max_waiting_tokens:
                raise Busy(
                    f"{self._waiting_tokens} tokens are waiting for the model already.",
                    hint="Try again in a minute, or send less at once.",
                )
            ticket = _Ticket(batch, lane, self._now)
            self._waiting_tokens += tokens
            self._waiting_texts += len(batch)
            heapq.heappush(self._heap, (ticket.tag, next(self._order), ticket))
            self._ready.notify(len(batch))
        return ticket

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            ticket, position = taken
            error = self._compute(ticket, position)
            with self._ready:
                self._running -= 1
                ticket.left -= 1
                finished = ticket.left == 0
            if error is not None or finished:
                ticket.settle(error)

    def _take(self) -> tuple[_Ticket, int] | None:
        """The next text to compute; waits for one. None: the queue is closed."""
        with self._ready:
            while True:
                while not self._heap and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return None
                tag, _, ticket = heapq.heappop(self._heap)
                if ticket.cancelled:
                    self._forget(ticket)
                    continue
                return ticket, self._advance(ticket, tag)

    def _advance(self, ticket: _Ticket, tag: float) -> int:
        position = ticket.taken
        tokens = ticket.batch[position].count
        self._now = max(self._now, tag)
        self._waiting_tokens -= tokens
        self._waiting_texts -= 1
        self._running += 1
        ticket.taken += 1
        ticket.tag += tokens * ticket.lane
        if ticket.taken < len(ticket.batch):
            heapq.heappush(self._heap, (ticket.tag, next(self._order), ticket))
        return position

    def _forget(self, ticket: _Ticket) -> None:
        rest = ticket.batch[ticket.taken :]
        self._waiting_tokens -= sum(item.count for item in rest)
        self._waiting_texts -= len(rest)

    def _compute(self, ticket: _Ticket, position: int) -> PatinaError | None:
        item = ticket.batch[position]
        try:
            embedded = self._embedder.embed([item])
        except PatinaError as error:
            ticket.cancelled = True
            return error
        except Exception as error:  # a request's edge: whatever a model throws fails this request alone
            ticket.cancelled = True
            return Failed(f"The model failed: {error}.", hint="The daemon's log says more.")
        ticket.results[position] = Result(embedded.vectors[0], embedded.tokens, item.truncated)
        return None
