"""A model that fails again and again is left alone, then tried by one."""

from __future__ import annotations

import pytest

from patina.errors import Unavailable
from patina.models.breaker import FAILURES, PAUSE_S, Breaker

from .conftest import Clock


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.note(failed=True)


def test_some_failures_among_successes_are_nothing(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, FAILURES - 1)
        breaker.note(failed=False)
    breaker.check()
    assert not breaker.open


def test_many_in_a_row_keep_everybody_away_for_a_while(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now = PAUSE_S - 1
    with pytest.raises(Unavailable, match="5 times") as refused:
        breaker.check()
    assert refused.value.retry_after_s == 1.0


def test_after_the_pause_one_tries_for_all(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now = PAUSE_S
    breaker.check()
    with pytest.raises(Unavailable):
        breaker.check()
    breaker.note(failed=True)
    clock.now += PAUSE_S - 1
    with pytest.raises(Unavailable):
        breaker.check()
    clock.now += 1
    breaker.check()
    breaker.note(failed=False)
    assert not breaker.open
    breaker.check()
