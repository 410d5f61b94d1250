"""A model in a directory of the user's."""

from __future__ import annotations

import hashlib
from pathlib import Path

from patina.errors import ConfigError, Corrupt
from patina_onnx import card as cards
from patina_onnx.files import modified, sha256
from patina_onnx.onnxfile import outline
from patina_onnx.settings import MODEL
from patina_onnx.tokenizer import Tokenizer

_MODEL_PLACES = ("model.onnx", "onnx/model.onnx")


class Directory:
    """A folder with a model.onnx (or onnx/model.onnx) and a tokenizer.json, read through once.

    root: where weights outside the model file may lie; by default beside it.
    Raises `ConfigError`, `Corrupt` or `Refused`.
    """

    def __init__(self, folder: Path, name: str = "", root: Path | None = None) -> None:
        if not has_model(folder):
            raise ConfigError(
                f"The directory {folder} is not a model: it needs model.onnx and tokenizer.json.",
                hint="Copy both there, or choose another directory.",
                param=MODEL,
            )
        self._model = next(folder / place for place in _MODEL_PLACES if (folder / place).is_file())
        self._tokenizer = folder / "tokenizer.json"
        drawn = outline(self._model, root)
        self.card = cards.read(folder, name or folder.resolve().name, drawn.width)
        if not self.card.dimension:
            raise ConfigError(
                f"{self._model} does not say how wide its vectors are.",
                hint=f'Write it into {folder / cards.CARD}: {{"dimension": 384}}.',
                param=MODEL,
            )
        files = [self._model, self._tokenizer, *drawn.external]
        digests = [sha256(file) for file in files]
        _check_digest(self._model, digests[0], self.card.sha256)
        _check_digest(self._tokenizer, digests[1], self.card.tokenizer_sha256)
        self.fingerprint = hashlib.sha256("".join(digests).encode()).hexdigest()
        self._stamps = {file: _stamp(file) for file in files}

    @property
    def created(self) -> int:
        return modified(self._model)

    def tokenizer(self, max_tokens: int) -> Tokenizer:
        return Tokenizer(self._unchanged(self._tokenizer), max_tokens)

    def model(self) -> Path:
        for file in self._stamps:
            self._unchanged(file)
        return self._model

    def _unchanged(self, file: Path) -> Path:
        if not file.is_file() or _stamp(file) != self._stamps[file]:
            raise Corrupt(f"{file} was changed while it was in use.", hint="Restart Patina to use what is there now.")
        return file


def has_model(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file() and any((folder / place).is_file() for place in _MODEL_PLACES)


def _check_digest(file: Path, found: str, expected: str) -> None:
    """Raises `Corrupt` if `expected` is a digest and another one than `found`."""
    if expected and found != expected.lower():
        raise Corrupt(f"{file} has the sha256 {found}, but should have {expected}.", hint="Copy or download it again.")


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns
