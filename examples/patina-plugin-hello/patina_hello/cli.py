"""`patina hello`."""

from __future__ import annotations

import sys

from patina_hello import __version__


def hello(name: str = "world") -> None:
    """Greet someone.

    Parameters
    ----------
    name
        Whom to greet.
    """
    sys.stdout.write(f"Hello, {name}! This is patina-plugin-hello {__version__}.\n")
