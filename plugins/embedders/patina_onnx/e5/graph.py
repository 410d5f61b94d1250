"""Draws the transformer as an ONNX graph, straight from the 4-bit weights.

The word table stays as it is: 4-bit, looked up without loss. The matrices of the layers become float32, or int8 with
one scale an output channel; inputs are then quantised anew for each text, so there is nothing to calibrate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina_onnx.e5.weights import Weights
    from patina_onnx.settings import Artefact

    Array: TypeAlias = npt.NDArray[Any]

_OPSET = 21  # the first with 4-bit tensors
_CONTRIB = "com.microsoft"  # onnxruntime's own operators
_INT8_PEAK = 63
# Seven of int8's eight bits. AVX2 without VNNI adds pairs of products in 16 bits, where 2 x 255 x 127 would saturate:
# a machine would then give other vectors than the next. The lost bit moves a vector by less than the quantised inputs.

Edge: TypeAlias = str
"""The name of what flows from one node to others; "" where an optional input is left out."""


class Graph:
    """Nodes and constants, in the order in which they were drawn."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, operator: str, *inputs: Edge, outputs: int = 1, domain: str = "", **attributes: Any) -> list[Edge]:
        names = [f"{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def constant(self, value: Array) -> Edge:
        tensor = numpy_helper.from_array(np.ascontiguousarray(value), f"constant_{len(self.constants)}")
        self.constants.append(tensor)
        return tensor.name

    def nibbles(self, value: Array) -> Edge:
        """A constant of numbers from 0 to 15, two to a byte; the last axis is even."""
        packed = value[..., 0::2] | value[..., 1::2] << 4
        name = f"constant_{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, TensorProto.UINT4, value.shape, packed.tobytes(), raw=True))
        return name


class Linear(Protocol):
    """Draws ``matrix @ input + bias`` for a matrix [out, in]."""

    def __call__(self, graph: Graph, source: Edge, matrix: Array, bias: Array) -> Edge: ...


def encoder(weights: Weights, artefact: Artefact) -> ModelProto:
    """`input_ids` and `attention_mask`, int64 [batch, length], to `last_hidden_state`, float32 [batch, length, hidden].

    The mask must be ones, then zeros: padding on the right.
    """
    graph = Graph()
    linear: Linear = {"int8": _int8, "fp32": _fp32}[artefact]
    lengths = _lengths(graph)
    state = _embedding(graph, weights)
    for number in range(weights.shape.layers):
        state = _layer(graph, weights, number, linear, state, lengths)
    return _model(graph, weights.shape.hidden, state)


def _lengths(graph: Graph) -> Edge:
    [total] = graph.node("ReduceSum", "attention_mask", graph.constant(np.array([1])), keepdims=0)
    return graph.node("Cast", total, to=TensorProto.INT32)[0]


def _embedding(graph: Graph, weights: Weights) -> Edge:
    """Words, positions counted from 0, and the one type there is."""
    hidden = weights.shape.hidden
    words = weights.blocks("emb.word", hidden)
    zeros = np.full(words.scales.shape, 8, np.uint8)
    inputs = [graph.nibbles(words.nibbles.reshape(-1, hidden)), "input_ids", graph.constant(words.scales)]
    [word] = graph.node(
        "GatherBlockQuantized",
        *inputs,
        graph.nibbles(zeros),
        domain=_CONTRIB,
        block_size=words.nibbles.shape[2],
        gather_axis=0,
        quantize_axis=1,
    )
    rows = weights.floats("emb.pos").reshape(-1, hidden) + weights.floats("emb.type")[:hidden]
    [length] = graph.node("Shape", "input_ids", start=1, end=2)
    [position] = graph.node("Slice", graph.constant(rows), graph.constant(np.array([0])), length)
    return _add_and_normalise(graph, weights, "emb.ln", word, position)


def _layer(graph: Graph, weights: Weights, number: int, linear: Linear, state: Edge, lengths: Edge) -> Edge:
    """Attention, then two linear steps with a Gelu between them; what went in is added and normalised after each."""
    shape = weights.shape

    def bias(name: str) -> Array:
        return weights.floats(f"l{number}.{name}.b")

    def matrix(name: str, columns: int = shape.hidden) -> Array:
        return weights.blocks(f"l{number}.{name}.w", columns).floats()

    three = linear(graph, state, np.concatenate([*map(matrix, "qkv")]), np.concatenate([*map(bias, "qkv")]))
    query, key, value = graph.node("Split", three, outputs=3, axis=-1, num_outputs=3)
    inputs = (query, key, value, "", lengths)
    [attended] = graph.node("MultiHeadAttention", *inputs, domain=_CONTRIB, num_heads=shape.heads)
    attended = linear(graph, attended, matrix("ao"), bias("ao"))
    state = _add_and_normalise(graph, weights, f"l{number}.aln", state, attended)
    [inner] = graph.node("Gelu", linear(graph, state, matrix("fi"), bias("fi")))
    outer = linear(graph, inner, matrix("fo", shape.inner), bias("fo"))
    return _add_and_normalise(graph, weights, f"l{number}.oln", state, outer)


def _add_and_normalise(graph: Graph, weights: Weights, name: str, left: Edge, right: Edge) -> Edge:
    [total] = graph.node("Add", left, right)
    scale, bias = (graph.constant(weights.floats(f"{name}.{part}")) for part in "wb")
    return graph.node("LayerNormalization", total, scale, bias, axis=-1, epsilon=weights.shape.epsilon)[0]


def _fp32(graph: Graph, source: Edge, matrix: Array, bias: Array) -> Edge:
    [product] = graph.node("MatMul", source, graph.constant(matrix.T))
    return graph.node("Add", product, graph.constant(bias))[0]


def _int8(graph: Graph, source: Edge, matrix: Array, bias: Array) -> Edge:
    scales = np.maximum(np.abs(matrix).max(axis=1), np.float32(1e-12)) / np.float32(_INT8_PEAK)
    whole = np.rint(matrix / scales[:, None]).astype(np.int8)
    inputs = (source, graph.constant(whole.T), graph.constant(scales), "", graph.constant(bias))
    return graph.node("DynamicQuantizeMatMul", *inputs, domain=_CONTRIB)[0]


def _model(graph: Graph, hidden: int, state: Edge) -> ModelProto:
    graph.nodes.append(helper.make_node("Identity", [state], ["last_hidden_state"]))
    axes: list[str | int] = ["batch", "length"]
    drawn = helper.make_graph(
        graph.nodes,
        "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, hidden])],
        graph.constants,
    )
    versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(drawn, opset_imports=versions, ir_version=10)
