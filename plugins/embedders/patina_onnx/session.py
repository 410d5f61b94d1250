"""The loaded model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from patina.errors import ConfigError, Corrupt, Failed
from patina_onnx.settings import MODEL

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids: TypeAlias = npt.NDArray[np.int64]
    Floats: TypeAlias = npt.NDArray[np.float32]

_OUTPUTS = ("sentence_embedding", "last_hidden_state", "token_embeddings")  # the first of them that the model has
_FILLED = {"input_ids": None, "attention_mask": 1, "token_type_ids": 0}
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_FATAL = 4  # all else is raised, and need not be printed too
_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Session:
    """A model open in onnxruntime, shared by all threads: each call computes in the thread that makes it."""

    def __init__(self, path: Path) -> None:
        try:
            self._session = ort.InferenceSession(
                path,
                _options(),
                providers=["CPUExecutionProvider"],
                # On CPUs the fused operator takes more than twice the time of the two that it replaces.
                disabled_optimizers=["SkipLayerNormFusion"],
            )
        except _ERRORS as error:
            raise Corrupt(f"{path} cannot be opened: {_reason(error)}", hint="Copy or download it again.") from error
        self._path = path
        inputs = self._session.get_inputs()
        outputs = [output.name for output in self._session.get_outputs()]
        self._output = next((name for name in _OUTPUTS if name in outputs), outputs[0])
        if unknown := [one.name for one in inputs if one.name not in _FILLED or one.type not in _INTEGERS]:
            raise ConfigError(
                f"{path} wants the inputs {', '.join(unknown)}, which no text encoder has.",
                hint="Choose a model that takes input_ids and attention_mask.",
                param=MODEL,
            )
        self._inputs = {one.name: _INTEGERS[one.type] for one in inputs}

    def __call__(self, ids: Ids) -> Floats:
        """One text's token ids, [tokens], to float32 [tokens, dimension], or [dimension] if the model pools itself."""
        feed = {}
        for name, integer in self._inputs.items():
            filling = _FILLED[name]
            row = ids if filling is None else np.full(ids.shape, filling)
            feed[name] = row.astype(integer)[None]
        try:
            [batch] = self._session.run([self._output], feed)
        except _ERRORS as error:
            raise Failed(
                f"{self._path} failed on a text of {len(ids)} tokens: {_reason(error)}",
                hint="Does its tokenizer.json belong to it, and is its max_tokens right?",
            ) from error
        first: Floats = batch[0]
        return first


def _reason(error: Exception) -> str:
    """The last part of onnxruntime's message, which says what is wrong, as a sentence."""
    return str(error).strip().splitlines()[0].rsplit(" : ", 1)[-1].rstrip(".") + "."


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_mem_pattern = False  # it keeps a plan for each length of text, and lengths hardly ever recur
    options.log_severity_level = _FATAL
    return options
