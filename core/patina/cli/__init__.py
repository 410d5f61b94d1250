"""The `patina` command: prints, and knows nothing but the client and the daemon."""

from patina.cli._main import main

__all__ = ["main"]
