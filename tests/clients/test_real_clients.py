"""Clients of other people's get from a daemon, as they come, the very vectors that Patina's own route gives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from .conftest import ALIAS, MODEL, PROGRAMS, Check, offline, said

pytestmark = [pytest.mark.clients, pytest.mark.model]

Run: TypeAlias = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(python: Path, address: str) -> Run:
    """Runs a program and returns what it says."""
    return lambda name: said([python, PROGRAMS / name, address], offline())


EVERYTHING = {"text", "texts", "floats", "base64", "ids", "lists of ids", "short", "passage"}


@pytest.mark.parametrize("major", [2, 3])
def test_openai(run: Run, check: Check, address: str, major: int) -> None:
    """The current one is what the tests have anyway."""
    name = "openai_client.py"
    found = run(name) if major == 2 else said([sys.executable, PROGRAMS / name, address], offline())
    assert found["version"].startswith(f"{major}.")
    check(found, EVERYTHING)
    assert found["models"] == [MODEL, ALIAS]
    assert found["usage"] == [26, 26]
    assert found["refusals"] == [
        ["NotFoundError", "model_not_found", "model"],
        ["BadRequestError", "invalid_request", "input"],
        ["BadRequestError", "invalid_request", "dimensions"],
        ["BadRequestError", "invalid_request", "input"],
    ]


def test_langchain_which_sends_token_ids(run: Run, check: Check) -> None:
    found = run("langchain_client.py")
    check(found, {"text", "texts", "passage", "without ids"})
    assert np.linalg.norm(found["long"], axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_llama_index(run: Run, check: Check) -> None:
    check(run("llama_index_client.py"), {"text", "texts"})


def test_litellm(run: Run, check: Check) -> None:
    found = run("litellm_client.py")
    check(found, {"text", "texts"})
    assert found["refusals"] == ["NotFoundError", "BadRequestError"]


def test_ollama(run: Run, check: Check) -> None:
    found = run("ollama_client.py")
    check(found, {"text", "texts", "older", "short", "passage"})
    assert (found["cut"], found["models"], found["loaded"]) == (1, [MODEL, ALIAS], [MODEL])
    (unknown, recipe), *others = found["refusals"]
    assert unknown == 404
    assert 'aliases = { "llama3" = "multilingual-e5-small" }' in recipe
    assert [status for status, _ in others] == [400, 400]


def test_hugging_face(run: Run, check: Check) -> None:
    found = run("huggingface_client.py")
    check(found, {"text", "texts", "passage", "short"})
    assert [status for status, _ in found["refusals"]] == [400, 400, 400]
    assert "more than 512 tokens" in found["refusals"][1][1]
