"""A page of the documentation as a test reads it: its sections, and the blocks of code in them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

PAGES = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    language: str
    title: str
    """The file that the block is, if it says so."""
    text: str

    @property
    def commands(self) -> list[str]:
        """What is typed in a console."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(text: str, language: str | None = None) -> list[Block]:
    found = [
        Block(language=match["language"], title=match["title"] or "", text=match["text"])
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if language in {None, block.language}]


def sections(text: str) -> dict[str, str]:
    """Each second-level section's text by its heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
