"""Texts cut at a number of tokens, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from patina import Patina, wire
from patina.config import Config
from patina.errors import InvalidRequest
from patina.testing import FakeEmbedder

TEXTS = ["lamp", "lamp bread sea salt", "lamp " * 1000]


@pytest.fixture
async def patina(tmp_path: Path) -> AsyncIterator[Patina]:
    async with Patina(Config(home=tmp_path / "home"), embedder=FakeEmbedder()) as running:
        yield running


async def test_a_number_cuts_there(patina: Patina) -> None:
    found = await patina.handle(wire.Embed(texts=TEXTS, truncate=4))
    assert found.tokens == [3, 4, 4]  # one more token stands at either end
    assert found.truncated == [1, 2]
    expected = await patina.embed(["lamp", "lamp bread", "lamp lamp"])
    assert np.array_equal(np.frombuffer(b"".join(found.vectors), "<f4").reshape(3, -1), expected)


async def test_a_number_over_the_models_maximum_is_that(patina: Patina) -> None:
    found = await patina.handle(wire.Embed(texts=TEXTS, truncate=100_000))
    assert (found.tokens, found.truncated) == ([3, 6, 512], [2])
    assert found == await patina.handle(wire.Embed(texts=TEXTS, truncate=True))


async def test_too_small_a_number_is_refused(patina: Patina) -> None:
    with pytest.raises(InvalidRequest, match="leave no room") as caught:
        await patina.handle(wire.Embed(texts=TEXTS, truncate=2))
    assert caught.value.param == "truncate"
    with pytest.raises(InvalidRequest, match="truncate"):
        await patina.handle(wire.Embed(texts=TEXTS, truncate=0))
