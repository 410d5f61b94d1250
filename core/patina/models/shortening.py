"""The beginning of a text that has so many tokens, for requests that want it cut before the model would."""

from __future__ import annotations

from collections.abc import Callable

CHARACTERS_A_TOKEN = 4
"""About that; only where the search begins depends on it."""


def shortened(text: str, limit: int, count: Callable[[str], int]) -> str:
    """The longest beginning for which `count` is at most `limit`, found by halving; empty if none is.

    Never counts much more than twice what it returns, however long the text is.
    """
    fits, over = 0, CHARACTERS_A_TOKEN * limit
    while over < len(text) and count(text[:over]) <= limit:
        fits, over = over, 2 * over
    if over >= len(text):
        if count(text) <= limit:
            return text
        over = len(text)
    while over - fits > 1:
        middle = (fits + over) // 2
        if count(text[:middle]) <= limit:
            fits = middle
        else:
            over = middle
    return text[:fits]
