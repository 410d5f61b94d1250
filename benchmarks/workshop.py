"""Where a bench works: a folder for this run, a folder that stays, and engines over homes in them."""

from __future__ import annotations

import os
from pathlib import Path

from patina import testing
from patina.config import Config, PipelineSettings
from patina.engine import Patina
from patina.protocols import Embedder
from patina.testing import FakeEmbedder

PROJECT = Path(__file__).resolve().parents[1]
CACHE = PROJECT / ".cache" / "benchmarks"


class Workshop:
    """`quick`: everything tiny and without a model, to see that the benches run and not what they say."""

    def __init__(self, scratch: Path, cache: Path = CACHE, *, quick: bool = False) -> None:
        self.quick = quick
        self.scratch = scratch
        """Gone after the run."""
        self.cache = scratch / "cache" if quick else cache
        """Stays: what is dear to make and the same every time."""
        self.models = Path(os.environ.get("PATINA_MODEL_CACHE") or PROJECT / ".cache" / "models")

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @property
    def workers(self) -> int:
        """Model threads, in the engine and beside it."""
        return os.cpu_count() or 1

    def home(self, name: str) -> Path:
        return self.scratch / name

    def engine(self, home: Path, *, use_context: bool = True) -> Patina:
        """Everything as it is by default; the fake embedder in a quick run."""
        if self.quick:
            return testing.engine(home, index="hybrid")
        return Patina(Config(home=home, model_cache=self.models, defaults=PipelineSettings(use_context=use_context)))

    def wordless_engine(self, home: Path) -> Patina:
        """An engine that finds no model: words alone are indexed."""
        return Patina(Config(home=home, embedders={"onnx": {"model": str(self.no_model())}}))

    def embedder(self) -> Embedder:
        """What `engine` embeds with."""
        if self.quick:
            return FakeEmbedder()
        engine = self.engine(self.home("none"))
        return engine.registry.embedder(engine.config.defaults.embedder, engine.config)

    def environment(self, home: Path) -> dict[str, str]:
        """For a `patina` of its own process over `home`, with a socket short enough to bind and a free port."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
        model = {"PATINA_EMBEDDERS_ONNX_MODEL": str(self.no_model())} if self.quick else {}
        return {
            **kept,
            **model,
            "PATINA_HOME": str(home),
            "PATINA_MODEL_CACHE": str(self.models),
            "PATINA_SOCKET": str(self.scratch / "s"),
            "PATINA_DAEMON_PORT": "0",
        }

    def no_model(self) -> Path:
        """A folder where a model is looked for and none is."""
        folder = self.scratch / "no-model"
        folder.mkdir(exist_ok=True)
        return folder
