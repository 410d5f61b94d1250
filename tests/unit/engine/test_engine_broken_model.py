"""A model that is there and cannot be used: text is taken in and found by its words, and the reason is told once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from patina import Offer, Patina, Settings, hookimpl, wire
from patina.config import Config, PipelineSettings
from patina.errors import Corrupt, ModelNotFound, PluginError
from patina.testing import FakeEmbedder, FakePlugin
from patina.types import Embedded, Kind, ModelInfo, Tokens

NOTES: list[dict[str, Any]] = [{"id": f"n{n}", "text": f"Apple number {n}."} for n in range(40)]
DAMAGED = Corrupt("model.onnx is damaged.", hint="Copy it again.")


class Unopenable(FakeEmbedder):
    """Its files look like a model's until it is loaded."""

    attempts = 0

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        self.attempts += 1
        raise DAMAGED


class Wordless(FakeEmbedder):
    """Its tokenizer cannot be read."""

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        raise DAMAGED


class Nameless:
    """Has a bug where it should say what it is."""

    @property
    def info(self) -> ModelInfo:
        raise ZeroDivisionError("oh")

    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        raise NotImplementedError

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        raise NotImplementedError

    def close(self) -> None:
        pass


class NoSettings(Settings, frozen=True, kw_only=True):
    """A section without keys."""


class NamelessPlugin:
    @hookimpl
    def patina_embedders(self) -> Iterable[Offer[Any, Any]]:
        return [Offer(name="nameless", config=NoSettings, build=lambda _: Nameless())]


def opened(home: Path, embedder: FakeEmbedder) -> Patina:
    config = Config(home=home, defaults=PipelineSettings(index="fake"))
    return Patina(config, embedder=embedder, plugins={"fakes": FakePlugin()})


@pytest.mark.parametrize("embedder", [Unopenable(), Wordless()], ids=["unopenable", "wordless"])
async def test_words_still_answer(tmp_path: Path, embedder: FakeEmbedder) -> None:
    async with opened(tmp_path / "home", embedder) as patina:
        report = await patina.index("notes", NOTES)
        assert (report.added, report.embedded) == (40, 0)
        assert "model.onnx is damaged. Copy it again." in (report.note or "")
        for mode in ("hybrid", "semantic"):
            hits = await patina.scry("number 7", mode=mode)
            assert hits.hits[0].path == "n7"
            assert "Found by words alone: model.onnx is damaged." in (hits.degraded or "")
        assert any("model.onnx is damaged" in note for note in (await patina.handle(wire.Status())).notes)


async def test_a_broken_model_is_not_tried_for_every_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    embedder = Unopenable()
    with caplog.at_level(logging.WARNING):
        async with opened(tmp_path / "home", embedder) as patina:
            await patina.index("notes", NOTES)
            await patina.index("notes", [{"id": "pear", "text": "A pear."}])
    assert embedder.attempts < 20
    assert sum("damaged" in record.message for record in caplog.records) == 1


async def test_a_sound_model_in_its_place_needs_no_rebuild(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", Unopenable(dimension=32)) as patina:
        await patina.index("notes", NOTES)
    async with opened(tmp_path / "home", FakeEmbedder()) as patina:
        report = await patina.index("notes", NOTES)
        assert (report.unchanged, report.note) == (40, None)
        hits = await patina.scry("number 7")
        assert (hits.hits[0].path, hits.degraded) == ("n7", None)
        assert (await patina.handle(wire.Verify(full=True))).ok


async def test_one_broken_embedder_hides_no_other(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home", defaults=PipelineSettings(embedder="fake", index="fake"))
    async with Patina(config, plugins={"fakes": FakePlugin(), "odd": NamelessPlugin()}) as patina:
        names = [entry.name for entry in (await patina.handle(wire.Models())).models]
        assert "fake" in names
        for name in ("fake", names[0]):
            assert (await patina.embed(["a"], model=name)).shape == (1, 64)
        with pytest.raises(ModelNotFound, match=r"'nope'.*fake"):
            await patina.embed(["a"], model="nope")
        with pytest.raises(PluginError, match="'nameless' failed: ZeroDivisionError: oh"):
            await patina.embed(["a"], model="nameless")


async def test_a_default_embedder_with_a_bug_leaves_the_words(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "home", defaults=PipelineSettings(embedder="nameless", index="fake"))
    async with Patina(config, plugins={"fakes": FakePlugin(), "odd": NamelessPlugin()}) as patina:
        assert "ZeroDivisionError" in ((await patina.index("notes", NOTES)).note or "")
        assert (await patina.scry("number 7")).hits[0].path == "n7"
        assert (await patina.handle(wire.Status())).model is None
