"""Draws the transformer straight from the 4-bit weights.

The table of words stays as it is: 4-bit, looked up without loss. The matrices of the layers become float32, or int8
with one scale an output channel. An int8 matrix meets inputs that are quantised anew for each text, so there is nothing
to calibrate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from onnx import ModelProto, TensorProto, helper

from patina_onnx.e5.graph import CONTRIB, Edge, Graph

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina_onnx.e5.weights import Weights
    from patina_onnx.settings import Artefact

    Array: TypeAlias = npt.NDArray[Any]
    Linear: TypeAlias = Callable[[Graph, Edge, Array, Array], Edge]  # draws matrix [out, in] @ input + bias [out]

_PEAK = 63
# Seven of int8's eight bits. AVX2 without VNNI adds products in pairs, in 16 bits: 2 x 255 x 127 would not fit, and a
# machine would give other vectors than the next. What the eighth bit would gain is a tenth of what the inputs lose.


def encoder(weights: Weights, artefact: Artefact) -> ModelProto:
    """`input_ids` and `attention_mask`, int64 [batch, length], to `last_hidden_state`, float32 [batch, length, hidden].

    A mask is ones, then zeros: padding stands on the right.
    """
    drawing = _Drawing(weights, artefact)
    state = drawing.embedding()
    for number in range(weights.shape.layers):
        state = drawing.layer(f"l{number}", state)
    axes: list[str | int] = ["batch", "length"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, weights.shape.hidden])
    return drawing.graph.model(inputs, state, output)


class _Drawing:
    def __init__(self, weights: Weights, artefact: Artefact) -> None:
        self.graph = Graph()
        self._weights = weights
        self._shape = weights.shape
        self._linear: Linear = {"int8": _int8, "fp32": _fp32}[artefact]
        total = self.graph.node("ReduceSum", "attention_mask", self.graph.constant(np.array([1])), keepdims=0)
        self._lengths = self.graph.node("Cast", total, to=TensorProto.INT32)

    def embedding(self) -> Edge:
        """Words, positions counted from 0, and the one type of token there is."""
        graph, shape = self.graph, self._shape
        rows = self._weights.floats("emb.pos", shape.positions * shape.hidden).reshape(-1, shape.hidden)
        rows = rows + self._weights.floats("emb.type", shape.types * shape.hidden)[: shape.hidden]
        length = graph.node("Shape", "input_ids", start=1, end=2)
        position = graph.node("Slice", graph.constant(rows), graph.constant(np.array([0])), length)
        return self._normalised_sum("emb.ln", self._words(), position)

    def layer(self, name: str, state: Edge) -> Edge:
        """Attention, then two linear steps with a Gelu between; what came in is added after each, and normalised."""
        hidden, inner = self._shape.hidden, self._shape.inner
        three = self._project([f"{name}.{part}" for part in "qkv"], state, hidden, hidden)
        query, key, value = self.graph.fork(3, "Split", three, axis=-1, num_outputs=3)
        inputs = (query, key, value, "", self._lengths)
        heard = self.graph.node("MultiHeadAttention", *inputs, domain=CONTRIB, num_heads=self._shape.heads)
        state = self._normalised_sum(f"{name}.aln", state, self._project([f"{name}.ao"], heard, hidden, hidden))
        wide = self.graph.node("Gelu", self._project([f"{name}.fi"], state, inner, hidden))
        return self._normalised_sum(f"{name}.oln", state, self._project([f"{name}.fo"], wide, hidden, inner))

    def _words(self) -> Edge:
        """Each block of 32 weights has its own scale, and 8 for its zero."""
        graph, shape = self.graph, self._shape
        blocks = self._weights.blocks("emb.word", shape.vocabulary, shape.hidden)
        zeros = np.full(blocks.scales.shape, 8, np.uint8)
        table = graph.nibbles(blocks.nibbles.reshape(shape.vocabulary, shape.hidden))
        inputs = (table, "input_ids", graph.constant(blocks.scales), graph.nibbles(zeros))
        layout = {"block_size": blocks.nibbles.shape[2], "gather_axis": 0, "quantize_axis": 1}
        return graph.node("GatherBlockQuantized", *inputs, domain=CONTRIB, **layout)

    def _project(self, names: list[str], source: Edge, rows: int, columns: int) -> Edge:
        """Several linear steps from one source at once: their outputs stand side by side."""
        matrix = np.concatenate([self._weights.blocks(f"{name}.w", rows, columns).floats() for name in names])
        bias = np.concatenate([self._weights.floats(f"{name}.b", rows) for name in names])
        return self._linear(self.graph, source, matrix, bias)

    def _normalised_sum(self, name: str, left: Edge, right: Edge) -> Edge:
        hidden, epsilon = self._shape.hidden, self._shape.epsilon
        scale, bias = (self.graph.constant(self._weights.floats(f"{name}.{part}", hidden)) for part in "wb")
        total = self.graph.node("Add", left, right)
        return self.graph.node("LayerNormalization", total, scale, bias, axis=-1, epsilon=epsilon)


def _fp32(graph: Graph, source: Edge, matrix: Array, bias: Array) -> Edge:
    return graph.node("Add", graph.node("MatMul", source, graph.constant(matrix.T)), graph.constant(bias))


def _int8(graph: Graph, source: Edge, matrix: Array, bias: Array) -> Edge:
    scales = np.maximum(np.abs(matrix).max(axis=1), np.float32(1e-12)) / np.float32(_PEAK)
    whole = np.rint(matrix / scales[:, None]).astype(np.int8)
    inputs = (source, graph.constant(whole.T), graph.constant(scales), "", graph.constant(bias))
    return graph.node("DynamicQuantizeMatMul", *inputs, domain=CONTRIB)
