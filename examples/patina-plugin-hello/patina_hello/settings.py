"""What a user can set, each Struct a section of the configuration. Every field has a default."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from patina import Settings


class LettersSettings(Settings, frozen=True, kw_only=True):
    """`[embedders.letters]`."""

    dimension: Annotated[int, Meta(ge=8, le=4096)] = 256
    letters: Annotated[int, Meta(ge=1, le=8)] = 3
    """How many letters in a row are looked at together."""
    max_tokens: Annotated[int, Meta(ge=16, le=1_000_000)] = 4096
    """A text is cut after so many groups of letters."""


class IndexSettings(Settings, frozen=True, kw_only=True):
    """`[indexes.exact]`."""

    max_passages: Annotated[int, Meta(ge=1, le=1_000_000)] = 50_000
    """Comparing with everything is for small collections: more than this is refused."""


class LineSettings(Settings, frozen=True, kw_only=True):
    """`[transports.line]`."""

    port: Annotated[int, Meta(ge=0, le=65_535)] = 7007
    """On 127.0.0.1; 0 takes any free one."""
    max_line_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 16 << 20
    drain_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """How long a closing door waits for answers under way."""


class ShelfSettings(Settings, frozen=True, kw_only=True):
    """`[deployers.shelf]`."""

    keep_releases: Annotated[int, Meta(ge=2, le=1000)] = 10
    """Older ones are removed after a deploy."""
