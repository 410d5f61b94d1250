"""The plugin's face: cheap to import, checked settings, and a sentence when hnswlib is not what it should be."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import msgspec
import pytest

from patina.errors import PluginError
from patina.protocols import Index
from patina_hybrid import plugin
from patina_hybrid.settings import HybridSettings

HEAVY = ("numpy", "hnswlib", "tantivy", "rank_bm25", "snowballstemmer")


def test_listing_the_offer_imports_nothing_heavy() -> None:
    program = (
        "import sys; from patina_hybrid import plugin; print(plugin.patina_indexes()[0].name);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["hybrid", "[]"]


def test_the_offer_builds_an_index() -> None:
    (offer,) = plugin.patina_indexes()
    index = offer.build(offer.config())
    assert isinstance(index, Index)
    assert index.arms == ("dense", "lexical")


def test_rank_bm25_is_not_loaded_unless_chosen() -> None:
    program = (
        "import sys; from patina_hybrid import plugin; (offer,) = plugin.patina_indexes(); offer.build(offer.config());"
        "print('rank_bm25' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize(
    "section",
    [
        {"lexical": "lucene"},
        {"segment_size": 1},
        {"tail_max": 100},
        {"ef": 0},
        {"rank_bm25_max_chunks": 0},
        {"segment": 5},
    ],
)
def test_wrong_settings_are_refused(section: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, HybridSettings)


def test_a_lookalike_of_hnswlib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class LookalikeIndex:
        def init_index(self) -> None:
            """Takes max_elements, M and ef_construction only."""

    lookalike = ModuleType("hnswlib")
    lookalike.__file__ = "/somewhere/hnswlib.so"
    lookalike.Index = LookalikeIndex  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hnswlib", lookalike)
    with pytest.raises(PluginError, match=r"/somewhere/hnswlib\.so is not hnswlib") as caught:
        plugin.patina_indexes()[0].build(HybridSettings())  # type: ignore[index]
    assert "chroma-hnswlib" in caught.value.hint


def test_without_hnswlib_the_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    with pytest.raises(PluginError, match="hnswlib cannot be imported") as caught:
        plugin.patina_indexes()[0].build(HybridSettings())  # type: ignore[index]
    assert "C++ compiler" in caught.value.hint
