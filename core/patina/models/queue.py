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
import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from patina.errors import Busy, Failed, InvalidRequest, PatinaError
from patina.models.breaker import Breaker
from patina.models.counting import Counting, Marks
from patina.protocols import Embedder
from patina.types import Tokens

if TYPE_CHECKING:
    from patina.types import Vector

log = logging.getLogger(__name__)

MAX_WAITING_TOKENS = 250_000
"""About a minute of two cores with the default model; beyond it a request is refused whole."""
TOLERANCE, TOLERATED_TOKENS = 1.25, 16
"""Texts in one call are that much longer or shorter than the first, and so many tokens, at most."""
ATTEMPTS = 2
"""At a text whose computation fails for a reason that may be gone the next time."""


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


class _ModelFailedError(Failed):
    """Something that no plugin raises on purpose: nothing is wrong with the text."""


class _Speed:
    """How fast texts are computed of late, in tokens a second of one thread."""

    FADING = 0.98

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def note(self, tokens: int, seconds: float) -> None:
        self._tokens = self._tokens * self.FADING + tokens
        self._seconds = self._seconds * self.FADING + seconds

    @property
    def tokens_per_s(self) -> float | None:
        """None before the first."""
        return self._tokens / self._seconds if self._seconds else None


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
        self.entered = time.perf_counter()
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


_Taken: TypeAlias = tuple[_Ticket, int]
"""A request, and which of its texts is to be computed."""


class FairQueue:
    """Model threads around one embedder, fed by lowest virtual tag."""

    def __init__(
        self,
        embedder: Embedder,
        threads: int,
        max_waiting_tokens: int = MAX_WAITING_TOKENS,
        marks: Marks | None = None,
    ) -> None:
        self._embedder = embedder
        self._marks = marks or Counting().of("")
        self._max_waiting_tokens = max_waiting_tokens
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, _Ticket]] = []
        self._order = itertools.count()
        self._now = 0.0  # the tag of the text that was taken last: where newcomers start
        self._waiting_tokens = 0
        self._waiting_texts = 0
        self._running = 0
        self._speed = _Speed()
        self._limit: int | None = None
        self._breaker = Breaker(time.monotonic)
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
    def waiting_tokens(self) -> int:
        return self._waiting_tokens

    @property
    def broken(self) -> bool:
        """Whether the model has failed so often that it is left alone."""
        return self._breaker.open

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
            self._breaker.check()
            self._check_room(tokens, lane)
            ticket = _Ticket(batch, lane, self._now)
            self._waiting_tokens += tokens
            self._waiting_texts += len(batch)
            heapq.heappush(self._heap, (ticket.tag, next(self._order), ticket))
            self._ready.notify(len(batch))
        return ticket

    def _check_room(self, tokens: int, lane: Lane) -> None:
        """However long a request is, it is taken when nothing waits; indexing limits itself."""
        over = self._waiting_tokens + tokens - self._max_waiting_tokens
        if over <= 0 or not self._waiting_tokens or lane is Lane.BACKGROUND:
            return
        speed = self._speed.tokens_per_s
        wait_s = min(over, self._waiting_tokens) / (speed * len(self._threads)) if speed else None
        raise Busy(
            f"{self._waiting_tokens} tokens are waiting for the model already.",
            hint="Try again a little later, or send less at once.",
            retry_after_s=wait_s,
        )

    def _work(self) -> None:
        while (first := self._take()) is not None:
            batch = [first, *self._more_like(first)]
            began = time.perf_counter()
            errors = self._compute(batch)
            took_s = (time.perf_counter() - began) / len(batch)
            for (ticket, position), error in zip(batch, errors, strict=True):
                self._account(ticket, ticket.batch[position].count, took_s, error)

    def _account(self, ticket: _Ticket, tokens: int, took_s: float, error: PatinaError | None) -> None:
        with self._ready:
            self._speed.note(tokens, took_s)
            self._breaker.note(failed=isinstance(error, _ModelFailedError))
            self._running -= 1
            ticket.left -= 1
            finished = ticket.left == 0
        self._marks.computed(tokens, took_s, failed=error is not None)
        if error is not None or finished:
            ticket.settle(error)

    def _take(self) -> _Taken | None:
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

    def _more_like(self, first: _Taken) -> list[_Taken]:
        """What is next in turn and about as long, for an embedder whose batches pay: all in a call are padded alike."""
        limit = self._batch_limit()
        if not limit:
            return []
        more: list[_Taken] = []
        longest = count = first[0].batch[first[1]].count
        most = TOLERANCE * count + TOLERATED_TOKENS
        with self._ready:
            while self._heap and not self._closed:
                tag, _, ticket = self._heap[0]
                tokens = ticket.batch[ticket.taken].count
                alike = tokens <= most and count <= TOLERANCE * tokens + TOLERATED_TOKENS
                if not ticket.cancelled and not (alike and max(longest, tokens) * (len(more) + 2) <= limit):
                    break
                heapq.heappop(self._heap)
                if ticket.cancelled:
                    self._forget(ticket)
                    continue
                longest = max(longest, tokens)
                more.append((ticket, self._advance(ticket, tag)))
        return more

    def _batch_limit(self) -> int:
        """In padded tokens; 0 for one text a call. A model that cannot be had says so when it is to compute."""
        if self._limit is None:
            try:
                self._limit = self._embedder.info.batch_tokens
            except Exception:
                return 0
        return self._limit

    def _advance(self, ticket: _Ticket, tag: float) -> int:
        position = ticket.taken
        if not position:
            self._marks.waited(time.perf_counter() - ticket.entered, ticket.lane.name.lower())
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
        self._marks.given_up(len(rest))

    def _compute(self, batch: Sequence[_Taken]) -> list[PatinaError | None]:
        """A batch that fails is computed text by text: then whatever is wrong with one is that one's alone."""
        error = self._tried(batch)
        if error is None:
            return [None] * len(batch)
        if len(batch) > 1 and isinstance(error, InvalidRequest | Failed):
            return [self._compute([one])[0] for one in batch]
        for ticket, _ in batch:
            ticket.cancelled = True
        return [error] * len(batch)

    def _tried(self, batch: Sequence[_Taken]) -> PatinaError | None:
        items = [ticket.batch[position] for ticket, position in batch]
        failure: PatinaError | None = None
        for _ in range(ATTEMPTS if len(batch) == 1 else 1):
            try:
                embedded = self._embedder.embed(items)
            except PatinaError as error:
                return error
            except (Exception, SystemExit) as error:  # a request's edge: whatever a model throws fails it alone
                log.exception("The model failed.")
                failure = _ModelFailedError(f"The model failed: {error}.", hint="The daemon's log says more.")
            else:
                for (ticket, position), item, vector in zip(batch, items, embedded.vectors, strict=True):
                    tokens = embedded.tokens if len(items) == 1 else item.count
                    ticket.results[position] = Result(vector, tokens, item.truncated)
                return None
        return failure
