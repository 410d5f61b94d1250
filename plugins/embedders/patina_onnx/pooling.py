"""One vector for a text, from the vectors of its tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from patina_onnx.settings import Normalization, Pooling

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina.types import Vector

    States: TypeAlias = npt.NDArray[np.float32]  # [tokens, dimension]; nothing is padded

_POOLINGS: dict[Pooling, Callable[[States], Vector]] = {
    "mean": lambda states: states.mean(axis=0),
    "cls": lambda states: states[0],
    "max": lambda states: states.max(axis=0),
    "last": lambda states: states[-1],
}


def pooled(states: States, pooling: Pooling) -> Vector:
    return _POOLINGS[pooling](states)


def normalised(vector: Vector, normalization: Normalization) -> Vector:
    """A vector of length 1; one of length 0 stays as it is."""
    if normalization == "none":
        return vector
    return vector / max(np.linalg.norm(vector), np.float32(1e-12))
