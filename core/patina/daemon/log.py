"""What a daemon writes down, and where."""

import logging
import os
from logging.handlers import RotatingFileHandler

from patina.access.redaction import RedactedFormatter, Redaction, secrets_in
from patina.config import Config
from patina.daemon.paths import log_path
from patina.lock import private_folder

FILE_BYTES = 5_000_000
OLD_FILES = 3
SHORT_FORMAT = "patina: %(message)s"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def write_log(config: Config, *, to_file: bool, debug: bool = False) -> None:
    """Log at the configured level: on stderr, or for a daemon that nobody watches to a file of bounded size.

    Secrets are masked: those of the configuration and of the environment, and whatever looks like one.
    """
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else config.daemon.log_level.upper())
    if to_file:
        path = log_path(config)
        private_folder(path.parent)
        file = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
        root.handlers = [file]
    ours = [config.key.reveal()] if config.key else []
    redaction = Redaction([*ours, *secrets_in(os.environ)])
    for handler in root.handlers:
        handler.setFormatter(RedactedFormatter(FORMAT if to_file else SHORT_FORMAT, redaction))
