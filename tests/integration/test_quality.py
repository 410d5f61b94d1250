"""Twenty questions about the standard library, with the default model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from benchmarks import quality

from patina import Config, Patina
from patina.errors import PatinaError
from patina.registry import Registry

pytestmark = [pytest.mark.model, pytest.mark.quality]

# What is reached, so that it is not lost: each question's rank stands in docs/reference/performance.md. Most of the
# paraphrases are beyond the default model.
FEWEST_HYBRID = 12


async def test_twenty_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(home=tmp_path / "home", model_cache=os.environ.get("PATINA_MODEL_CACHE"))
    try:
        Registry.load().embedder("onnx", config).info  # noqa: B018
    except PatinaError as error:
        pytest.skip(f"needs the default model: {error}")
    async with Patina(config) as patina:
        await quality.take_in(patina)
        ranks = await quality.ranks(patina)
    with capsys.disabled():
        print(f"\n{quality.table(ranks)}")  # noqa: T201 - for whoever reads the log of the run
    found = quality.found(ranks)
    assert found["hybrid"]["keyword"] == 10
    assert found["hybrid"].total() >= FEWEST_HYBRID
    assert found["hybrid"].total() >= max(found["lexical"].total(), found["semantic"].total())
