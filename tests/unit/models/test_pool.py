"""Which models stay in memory, which go, and when there is room for no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patina.errors import Busy
from patina.models import Cache, Lane, ModelPool, pool
from patina.testing import FakeEmbedder

from .conftest import Clock


class Memory:
    """What the process takes: so much for each model that is loaded, beside what it takes anyway."""

    def __init__(self) -> None:
        self.models: ModelPool | None = None
        self.beside_mb = 0.0

    def __call__(self) -> float:
        return self.beside_mb + 100 * sum(model.loaded for model in (self.models.models if self.models else []))


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(pool, "rss_mb", memory)
    return memory


@pytest.fixture
def models(clock: Clock, memory: Memory) -> Iterator[ModelPool]:
    memory.models = ModelPool(
        lambda _: FakeEmbedder(), cache=Cache(0, 1.0, clock), keep_alive_s=60.0, max_memory_mb=250, clock=clock
    )
    yield memory.models
    memory.models.close()


async def use(models: ModelPool, clock: Clock, *names: str) -> None:
    for name in names:
        await models.model(name).embed(["a lamp"], "query", Lane.QUESTION)
        clock.now += 1


def loaded(models: ModelPool) -> set[str]:
    return {model.name for model in models.models if model.loaded}


async def test_one_that_has_been_idle_for_long_enough_goes(models: ModelPool, clock: Clock) -> None:
    await use(models, clock, "a", "b")
    clock.now += 57
    models.unload_idle()
    assert loaded(models) == {"a", "b"}
    clock.now += 1
    models.unload_idle()
    assert loaded(models) == {"b"}
    await use(models, clock, "a")
    assert loaded(models) == {"a", "b"}


async def test_for_want_of_memory_the_one_that_was_used_longest_ago_goes_and_no_more_than_needed(
    models: ModelPool, clock: Clock, memory: Memory
) -> None:
    await use(models, clock, "a", "b", "a")
    memory.beside_mb = 100
    models.unload_idle()
    assert loaded(models) == {"a"}


async def test_where_others_have_all_the_memory_no_model_is_loaded_and_one_is_told_when_to_come(
    models: ModelPool, clock: Clock, memory: Memory
) -> None:
    memory.beside_mb = 300
    with pytest.raises(Busy, match="300 MB") as refused:
        await use(models, clock, "a")
    assert refused.value.retry_after_s == pool.RETRY_AFTER_S
    memory.beside_mb = 0
    await use(models, clock, "a")
    assert loaded(models) == {"a"}


async def test_when_it_goes_can_be_told(models: ModelPool, clock: Clock) -> None:
    model = models.model("a")
    assert models.unloads_in_s(model) is None
    await use(models, clock, "a")
    clock.now += 9
    assert models.unloads_in_s(model) == pytest.approx(50)
