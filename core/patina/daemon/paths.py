"""Where a home's daemon is met and where it writes."""

from pathlib import Path

from patina.config import Config, socket_path

__all__ = ["log_path", "socket_path"]


def log_path(config: Config) -> Path:
    """What a background daemon writes."""
    return config.home / "logs" / "daemon.log"
