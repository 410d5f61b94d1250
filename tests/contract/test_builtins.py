"""The built-in plugins keep what any plugin promises, and their embedder what any embedder does.

What the index and the doors promise is tested beside them: tests/unit/{hybrid,http,unix}.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from patina.testing import EmbedderContract, PluginContract
from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings

WIDTH = 16


class TestOnnxPlugin(PluginContract):
    entry_point = "patina_onnx.plugin"


class TestHybridPlugin(PluginContract):
    entry_point = "patina_hybrid.plugin"


class TestHttpPlugin(PluginContract):
    entry_point = "patina_http.plugin"


class TestUnixPlugin(PluginContract):
    entry_point = "patina_unix.plugin"


def test_no_built_in_plugin_is_left_out() -> None:
    registered = {point.value for point in distribution("patina-daemon").entry_points if point.group == "patina"}
    tested = {cls.entry_point for cls in PluginContract.__subclasses__() if cls.__module__ == __name__}
    assert registered == tested


class TestOnnxWithATinyModel(EmbedderContract):
    """A model of one layer, made here: a text is the mean of its bytes' vectors."""

    @pytest.fixture(autouse=True)
    def _tiny(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folder = tmp_path_factory.mktemp("tiny")
        write_tokenizer(self.folder / "tokenizer.json")
        write_model(self.folder / "model.onnx")

    def embedder(self) -> OnnxEmbedder:
        return OnnxEmbedder(OnnxSettings(model=str(self.folder)))


@pytest.mark.model
class TestOnnxWithTheRealModel(EmbedderContract):
    """One embedder for all tests: it takes seconds to load, and longer to be decoded for the first time."""

    shared = OnnxEmbedder(OnnxSettings(model_cache=os.environ.get("PATINA_MODEL_CACHE", "")))

    def embedder(self) -> OnnxEmbedder:
        return self.shared

    def opened(self) -> AbstractContextManager[OnnxEmbedder]:
        return nullcontext(self.shared)


def write_tokenizer(path: Path) -> None:
    """Every byte is a token, between [CLS] and [SEP]."""
    tokenizers = pytest.importorskip("tokenizers")
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["[CLS]", "[SEP]", *alphabet])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    tokenizer.save(str(path))


def write_model(path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="writing a model needs the extra e5")
    table = np.random.default_rng(5).standard_normal((258, WIDTH)).astype(np.float32)
    sequence = ["batch", "tokens"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, sequence)
            for name in ("input_ids", "attention_mask")
        ],
        [onnx.helper.make_tensor_value_info("last_hidden_state", onnx.TensorProto.FLOAT, [*sequence, WIDTH])],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
