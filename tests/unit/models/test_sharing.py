"""Equal texts are computed once, nobody waits for a longer request, and whoever fails fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from patina.errors import Failed
from patina.models import Cache, Result
from patina.models.cache import ENTRY_BYTES, key
from patina.models.sharing import Sharing

from .conftest import Clock


class Computer:
    """Computes once it may, and writes down what it was given."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.given: list[list[str]] = []
        self.fails = False

    async def __call__(self, texts: Sequence[str]) -> list[Result]:
        self.given.append(list(texts))
        await self.gate.wait()
        if self.fails:
            raise Failed("The model failed.")
        return [result(text) for text in texts]


def result(text: str) -> Result:
    return Result(np.full(4, len(text), np.float32), 10, truncated=False)


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(10 * (16 + ENTRY_BYTES), 60.0, clock)


def keyed(*texts: str) -> dict[bytes, str]:
    return {key("model", "query", text): text for text in texts}


async def asked(sharing: Sharing, computer: Computer, *texts: str) -> asyncio.Task[dict[bytes, Result]]:
    task = asyncio.create_task(sharing.results(keyed(*texts), computer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_many_who_ask_the_same_at_once_have_it_computed_once(cache: Cache) -> None:
    sharing, computer = Sharing(cache), Computer()
    tasks = [await asked(sharing, computer, "one") for _ in range(8)]
    computer.gate.set()
    answers = await asyncio.gather(*tasks)
    assert computer.given == [["one"]]
    assert all(answer == answers[0] for answer in answers)


async def test_what_was_computed_is_not_computed_again(cache: Cache) -> None:
    sharing, computer = Sharing(cache), Computer()
    computer.gate.set()
    first = await sharing.results(keyed("one", "two"), computer)
    again = await sharing.results(keyed("two", "three", "one"), computer)
    assert computer.given == [["one", "two"], ["three"]]
    assert {one: again[one] for one in first} == first


async def test_a_question_does_not_wait_for_a_list_that_has_its_text(cache: Cache) -> None:
    sharing, slow, quick = Sharing(cache), Computer(), Computer()
    quick.gate.set()
    bulk = await asked(sharing, slow, "one", "two", "three")
    await asyncio.wait_for(await asked(sharing, quick, "two"), timeout=5)
    assert quick.given == [["two"]]
    slow.gate.set()
    await bulk


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_whoever_waited_for_one_that_went_wrong_has_it_computed_after_all(cache: Cache, how: str) -> None:
    sharing, wrong, right = Sharing(cache), Computer(), Computer()
    right.gate.set()
    first = await asked(sharing, wrong, "one")
    second = await asked(sharing, right, "one")
    assert right.given == []
    if how == "cancelled":
        first.cancel()
    else:
        wrong.fails = True
        wrong.gate.set()
    [answer] = (await asyncio.wait_for(second, timeout=5)).values()
    assert answer.tokens == 10
    assert right.given == [["one"]]
    with pytest.raises((asyncio.CancelledError, Failed)):
        await first


def test_the_least_recently_used_make_room(cache: Cache) -> None:
    for number in range(10):
        cache.put(b"%d" % number, result("x"))
    assert cache.get(b"0") is not None
    cache.put(b"new", result("x"))
    assert cache.get(b"1") is None
    assert cache.get(b"0") is not None
    stats = cache.stats()
    assert (stats.entries, stats.evicted, stats.hits, stats.misses) == (10, 1, 2, 1)
    assert stats.bytes <= stats.max_bytes


def test_what_is_old_is_not_given_away(cache: Cache, clock: Clock) -> None:
    cache.put(b"one", result("x"))
    clock.now = 61.0
    assert cache.get(b"one") is None
    assert cache.stats().bytes == 0


def test_without_room_nothing_is_kept_and_cleared_it_is_empty(clock: Clock, cache: Cache) -> None:
    none = Cache(0, 60.0, clock)
    none.put(b"one", result("x"))
    assert none.get(b"one") is None
    cache.put(b"one", result("x"))
    assert cache.clear() == 1
    assert (cache.stats().entries, cache.stats().bytes) == (0, 0)


def test_a_kind_and_a_model_are_part_of_the_key() -> None:
    assert len({key("a", "query", "x"), key("a", "passage", "x"), key("b", "query", "x")}) == 3
