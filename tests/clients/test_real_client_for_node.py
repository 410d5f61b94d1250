"""OpenAI's client for Node; only where Node is installed."""

from __future__ import annotations

import pytest

from .conftest import ALIAS, MODEL, PROGRAMS, Check, said

pytestmark = pytest.mark.node


def test_openai_for_node(node: dict[str, str], address: str, check: Check) -> None:
    found = said(["node", PROGRAMS / "openai_client.mjs", address], node)
    check(found, {"text", "texts", "floats", "lists of ids", "short"})
    assert found["models"] == [MODEL, ALIAS]
    assert found["refusals"] == [[404, "model_not_found", "model"], [400, "invalid_request", "input"]]
