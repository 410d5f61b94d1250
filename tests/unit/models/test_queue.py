"""The fair queue: a question is next, results are in order, and one bad text fails alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from patina.errors import Busy, Failed, Unavailable
from patina.models import FairQueue, Lane
from patina.types import Embedded, Kind, ModelInfo, Tokens


class Gated:
    """An embedder that computes only while its gate is open and writes down the order of what it computed."""

    info = ModelInfo(name="gated", dimension=1, max_tokens=100, identity="gated")

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.order: list[str] = []
        self.stumbles = 0
        """How often it fails for a reason of its own."""

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        return [Tokens(count=10, truncated=False, payload=text) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        self.gate.wait(10)
        [text] = [str(item.payload) for item in batch]
        if self.stumbles:
            self.stumbles -= 1
            raise MemoryError("out of memory")
        self.order.append(text)
        if text == "poison":
            raise ValueError("cannot be computed")
        return Embedded(vectors=np.array([[float(len(text))]], dtype=np.float32), tokens=10)

    def close(self) -> None: ...


@pytest.fixture
def embedder() -> Gated:
    return Gated()


@pytest.fixture
async def queue(embedder: Gated) -> AsyncIterator[FairQueue]:
    queue = FairQueue(embedder, threads=1, max_waiting_tokens=2000)
    yield queue
    embedder.gate.set()
    await asyncio.to_thread(queue.close)


async def ask(queue: FairQueue, embedder: Gated, texts: list[str], lane: Lane) -> asyncio.Task[list[float]]:
    async def vectors() -> list[float]:
        return [float(r.vector[0]) for r in await queue.embed(embedder.tokenize(texts, "query"), lane)]

    task = asyncio.create_task(vectors())
    await asyncio.sleep(0.01)
    return task


async def test_results_come_in_the_order_of_the_texts(queue: FairQueue, embedder: Gated) -> None:
    embedder.gate.set()
    task = await ask(queue, embedder, ["aaa", "b", "cc"], Lane.REQUEST)
    assert await task == [3.0, 1.0, 2.0]


async def test_a_question_does_not_wait_behind_a_bulk_job(queue: FairQueue, embedder: Gated) -> None:
    bulk = await ask(queue, embedder, [f"bulk {n}" for n in range(50)], Lane.BACKGROUND)
    question = await ask(queue, embedder, ["question"], Lane.QUESTION)
    embedder.gate.set()
    await asyncio.gather(bulk, question)
    assert embedder.order.index("question") <= 2


async def test_two_bulk_jobs_share_the_model(queue: FairQueue, embedder: Gated) -> None:
    first = await ask(queue, embedder, [f"a{n}" for n in range(20)], Lane.BACKGROUND)
    second = await ask(queue, embedder, [f"b{n}" for n in range(20)], Lane.BACKGROUND)
    embedder.gate.set()
    await asyncio.gather(first, second)
    assert {text[0] for text in embedder.order[:6]} == {"a", "b"}


async def test_a_poisoned_text_fails_its_own_request_alone(queue: FairQueue, embedder: Gated) -> None:
    embedder.gate.set()
    bad = await ask(queue, embedder, ["fine", "poison"], Lane.REQUEST)
    good = await ask(queue, embedder, ["good"], Lane.REQUEST)
    with pytest.raises(Failed, match="cannot be computed"):
        await bad
    assert await good == [4.0]


async def test_a_cancelled_request_leaves_the_queue(queue: FairQueue, embedder: Gated) -> None:
    blocker = await ask(queue, embedder, ["blocker"], Lane.QUESTION)
    leaver = await ask(queue, embedder, [f"left {n}" for n in range(9)], Lane.QUESTION)
    leaver.cancel()
    await asyncio.sleep(0.01)
    embedder.gate.set()
    await blocker
    stayer = await ask(queue, embedder, ["stayer"], Lane.QUESTION)
    await stayer
    assert embedder.order == ["blocker", "stayer"]
    assert queue.waiting == 0


async def test_what_does_not_fit_is_refused_whole_and_at_once(queue: FairQueue, embedder: Gated) -> None:
    first = await ask(queue, embedder, ["x"] * 150, Lane.REQUEST)
    with pytest.raises(Busy):
        await queue.embed(embedder.tokenize(["y"] * 100, "query"), Lane.REQUEST)
    embedder.gate.set()
    assert len(await first) == 150


async def test_an_empty_request_is_answered_at_once(queue: FairQueue) -> None:
    assert await queue.embed([], Lane.REQUEST) == []


async def test_a_failure_that_passes_is_tried_again(queue: FairQueue, embedder: Gated) -> None:
    embedder.gate.set()
    embedder.stumbles = 1
    task = await ask(queue, embedder, ["aaa", "bb"], Lane.REQUEST)
    assert await task == [3.0, 2.0]
    embedder.stumbles = 2
    with pytest.raises(Failed, match="out of memory"):
        await (await ask(queue, embedder, ["aaa"], Lane.REQUEST))
    assert await (await ask(queue, embedder, ["a"], Lane.REQUEST)) == [1.0]


async def test_a_full_queue_says_when_to_come_again(queue: FairQueue, embedder: Gated) -> None:
    embedder.gate.set()
    await (await ask(queue, embedder, [f"{n}" for n in range(20)], Lane.REQUEST))
    embedder.gate.clear()
    first = await ask(queue, embedder, ["x"] * 190, Lane.REQUEST)
    with pytest.raises(Busy) as refused:
        await (await ask(queue, embedder, ["y"] * 20, Lane.REQUEST))
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s > 0
    indexing = await ask(queue, embedder, ["z"] * 20, Lane.BACKGROUND)
    embedder.gate.set()
    await asyncio.gather(first, indexing)


async def test_a_long_request_is_taken_when_nothing_waits(queue: FairQueue, embedder: Gated) -> None:
    embedder.gate.set()
    assert len(await (await ask(queue, embedder, ["x"] * 500, Lane.REQUEST))) == 500


class Batching(Gated):
    """One whose batches pay."""

    info = ModelInfo(name="batching", dimension=1, max_tokens=100, identity="batching", batch_tokens=100)

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        return [Tokens(count=len(text), truncated=False, payload=text) for text in texts]

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        self.gate.wait(10)
        texts = [str(item.payload) for item in batch]
        self.batches.append(texts)
        if any("poison" in text for text in texts):
            raise ValueError("cannot be computed")
        return Embedded(vectors=np.array([[float(len(text))] for text in texts], dtype=np.float32), tokens=0)


@pytest.fixture
def batching() -> Batching:
    return Batching()


@pytest.fixture
async def batches(batching: Batching) -> AsyncIterator[FairQueue]:
    queue = FairQueue(batching, threads=1)
    yield queue
    batching.gate.set()
    await asyncio.to_thread(queue.close)


async def test_texts_of_like_length_go_together_up_to_the_declared_size(batches: FairQueue, batching: Batching) -> None:
    first = await ask(batches, batching, ["x" * 10] * 15, Lane.REQUEST)
    batching.gate.set()
    assert await first == [10.0] * 15
    assert [len(batch) for batch in batching.batches] in ([1, 10, 4], [10, 5])


async def test_a_long_text_pads_no_short_ones(batches: FairQueue, batching: Batching) -> None:
    first = await ask(batches, batching, ["a" * 5, "b" * 6, "c" * 60, "d" * 7], Lane.REQUEST)
    batching.gate.set()
    assert await first == [5.0, 6.0, 60.0, 7.0]
    assert ["c" * 60] in batching.batches


async def test_a_text_that_cannot_be_computed_fails_alone_in_a_batch(batches: FairQueue, batching: Batching) -> None:
    good = await ask(batches, batching, ["x" * 9] * 4, Lane.REQUEST)
    bad = await ask(batches, batching, ["poison 99"], Lane.REQUEST)
    batching.gate.set()
    assert await good == [9.0] * 4
    with pytest.raises(Failed, match="cannot be computed"):
        await bad


async def test_a_model_that_always_fails_refuses_at_once_and_says_when_to_come_again(
    queue: FairQueue, embedder: Gated
) -> None:
    embedder.gate.set()
    embedder.stumbles = 1000
    for _ in range(5):
        with pytest.raises(Failed):
            await (await ask(queue, embedder, ["aaa"], Lane.REQUEST))
    left = embedder.stumbles
    with pytest.raises(Unavailable, match="in a row") as refused:
        await (await ask(queue, embedder, ["aaa"], Lane.REQUEST))
    assert refused.value.retry_after_s
    assert embedder.stumbles == left, "nobody has tried"
    assert queue.broken
