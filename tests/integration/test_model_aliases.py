"""Other names for models: from the configuration to every door."""

from __future__ import annotations

from pathlib import Path

import pytest

from patina import Patina, wire
from patina.config import Config, ModelSettings, load
from patina.errors import ModelNotFound
from patina.testing import FakeEmbedder

ALIASES = {"text-embedding-3-small": "fake", "by-offer": "onnx", "astray": "nothing"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home", models=ModelSettings(aliases=ALIASES))


async def test_an_alias_is_the_model_that_it_stands_for(config: Config) -> None:
    async with Patina(config, embedder=FakeEmbedder()) as patina:
        [plain, *others] = [
            await patina.handle(wire.Embed(texts=["a lamp"], model=name))
            for name in ("fake", "text-embedding-3-small", "by-offer", None)
        ]
        listed = (await patina.handle(wire.Models())).models[0]
    assert all(other == plain for other in others)
    assert (listed.name, listed.aliases) == ("fake", ["text-embedding-3-small", "by-offer"])


@pytest.mark.parametrize("name", ["text-embedding-ada-002", 'a "quoted" name', "astray"])
async def test_an_unknown_name_comes_with_the_lines_that_would_make_it_known(config: Config, name: str) -> None:
    async with Patina(config, embedder=FakeEmbedder()) as patina:
        with pytest.raises(ModelNotFound) as caught:
            await patina.handle(wire.Embed(texts=["a lamp"], model=name))
    assert caught.value.param == "model"
    assert "fake, text-embedding-3-small, by-offer" in caught.value.hint
    lines = caught.value.hint.split("write ")[1].removesuffix(" under [models] in config.toml.")
    config.home.joinpath("config.toml").write_text(f"[models]\n{lines}\n")
    known = load(home=config.home, env={})
    async with Patina(known, embedder=FakeEmbedder()) as patina:
        assert (await patina.handle(wire.Embed(texts=["a lamp"], model=name))).model == "fake"


def test_a_projects_file_gives_no_names(tmp_path: Path) -> None:
    (tmp_path / "project" / ".patina").mkdir(parents=True)
    (tmp_path / "project" / ".patina" / "config.toml").write_text('[models]\naliases = { "a" = "b" }\n')
    found = load(home=tmp_path / "home", project=tmp_path / "project", env={})
    assert found.models.aliases == {}
    assert load(home=tmp_path / "home", env={"PATINA_MODELS_ALIASES": "a=b,c=d"}).models.aliases == {"a": "b", "c": "d"}
