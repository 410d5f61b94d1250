"""An ONNX graph while it is being drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

if TYPE_CHECKING:
    import numpy.typing as npt

_OPSET = 21  # the first with 4-bit tensors
_IR = 10  # what came with it

CONTRIB = "com.microsoft"
"""The domain of onnxruntime's own operators."""

Edge: TypeAlias = str
"""The name of what flows from one node to others; "" where an optional input is left out."""


class Graph:
    """Nodes and constants, in the order in which they were drawn."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def node(self, operator: str, *inputs: Edge, domain: str = "", **attributes: Any) -> Edge:
        """Draw an operator and return its output."""
        [output] = self.fork(1, operator, *inputs, domain=domain, **attributes)
        return output

    def fork(self, outputs: int, operator: str, *inputs: Edge, **attributes: Any) -> list[Edge]:
        """Draw an operator of several outputs."""
        names = [f"{operator}_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def constant(self, value: npt.NDArray[Any]) -> Edge:
        return self._keep(numpy_helper.from_array(np.ascontiguousarray(value)))

    def nibbles(self, value: npt.NDArray[np.uint8]) -> Edge:
        """A constant of numbers from 0 to 15, kept two to a byte; the last axis is even."""
        packed = value[..., 0::2] | value[..., 1::2] << 4
        return self._keep(helper.make_tensor("", TensorProto.UINT4, value.shape, packed.tobytes(), raw=True))

    def model(self, inputs: list[ValueInfoProto], result: Edge, output: ValueInfoProto) -> ModelProto:
        """The finished model, whose `output` is what flows along `result`."""
        last = helper.make_node("Identity", [result], [output.name])
        drawn = helper.make_graph([*self._nodes, last], "patina", inputs, [output], self._constants)
        versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(drawn, opset_imports=versions, ir_version=_IR)

    def _keep(self, tensor: TensorProto) -> Edge:
        name = f"constant_{len(self._constants)}"
        tensor.name = name
        self._constants.append(tensor)
        return name
