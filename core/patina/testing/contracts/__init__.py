"""One class of tests a protocol. A subclass makes the thing under test; every promise of the protocol is one test."""

import pytest

SUITES = ("deployer", "embedder", "index", "plugin", "transport", "_questions")

# Before they are imported: then a broken promise shows both sides of what should have been equal.
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in SUITES))
