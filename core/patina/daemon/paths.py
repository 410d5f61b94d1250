"""Where a home's daemon is met and where it writes."""

from pathlib import Path

from patina.config import Config, socket_path
from patina.errors import ConfigError

__all__ = ["log_path", "private_folder", "socket_path"]


def log_path(config: Config) -> Path:
    """What a background daemon writes."""
    return config.home / "logs" / "daemon.log"


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700 if it is new. Raises `ConfigError` when it cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder {path} cannot be made: {error.strerror}.",
            hint="Choose another home with PATINA_HOME.",
            param="home",
        ) from None
    return path
