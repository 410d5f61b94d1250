"""The bare parts of embedding: the tokenizer, onnxruntime, and a mean; no queue, no store, no index, no files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from benchmarks.workshop import Workshop

if TYPE_CHECKING:
    from patina.types import Vector, Vectors

Embed: TypeAlias = "Callable[[str], Vector]"

PREFIX = "passage: "
MAX_TOKENS = 512


def embedding(workshop: Workshop) -> Embed:
    """A function from a passage to its vector, ready to run."""
    if workshop.quick:
        fake = workshop.embedder()
        return lambda text: fake.embed(fake.tokenize([text], "passage")).vectors[0]
    embed = _onnx(workshop)
    embed("warm")
    return embed


def _onnx(workshop: Workshop) -> Embed:
    import onnxruntime as ort
    from tokenizers import Tokenizer

    from patina_onnx import source
    from patina_onnx.settings import OnnxSettings

    path = source.find(OnnxSettings(model_cache=str(workshop.models))).model()
    tokenizer = Tokenizer.from_file(str(path.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The engine's own choices, that no one may say that it was compared with something slow.
    options.enable_mem_pattern = False
    session = ort.InferenceSession(
        path, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )
    names = [one.name for one in session.get_inputs()]

    def embed(text: str) -> Vector:
        ids = np.array([tokenizer.encode(PREFIX + text).ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        [states] = session.run(None, {name: given[name] for name in names})
        mean: Vector = states[0].mean(axis=0)
        return mean / np.linalg.norm(mean)

    return embed


def embed_all(embed: Embed, texts: Sequence[str], workers: int) -> Vectors:
    """Every text, on so many threads, one text a call."""
    with ThreadPoolExecutor(workers) as threads:
        return np.stack(list(threads.map(embed, texts)))
