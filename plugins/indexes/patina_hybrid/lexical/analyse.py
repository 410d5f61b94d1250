"""From text to terms: the same for passages and questions, and for both engines."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import tantivy

from patina.errors import ConfigError

if TYPE_CHECKING:
    from patina.types import Change

VERSION = 1
"""Raised when terms change: an index made by another version is built anew."""
MAX_WORD_CHARS = 128
"""Longer words are data, not language: nobody asks for them, and they would swell the dictionary."""
MAX_QUERY_TERMS = 256
_CACHED_WORDS = 65_536

_WORD = re.compile(r"\w+(?:\.\w+)*")
_HUMP = re.compile(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z0-9]+")
_PIECE = re.compile(r"[^\W_]+")

_LANGUAGES = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}


class Analyser:
    """Lower-cases, strips word endings, and finds an identifier whole and by its parts.

    `os.path.joinAll` gives `os.path.joinall`, `os`, `path`, `joinall`, `join`, `all`; `sha256` and `HTTP2` stay whole.
    Safe to call from any thread.
    """

    def __init__(self, language: str) -> None:
        """Raises `ConfigError` for a language without a stemmer; "" strips nothing."""
        self.name = f"{VERSION}:{language}"
        self._stem = _stemmer(language)
        self._word_terms = lru_cache(_CACHED_WORDS)(self._split)

    def terms(self, text: str) -> list[str]:
        """The terms of `text` in their order, repeated as often as they occur."""
        composed = text if text.isascii() else unicodedata.normalize("NFC", text)
        return [term for word in _WORD.findall(composed) for term in self._word_terms(word)]

    def passage(self, change: Change) -> list[str]:
        """The terms of a passage; the words of its title, headings and path count as if they stood in the text."""
        return self.terms(" ".join((change.text, change.title, *change.heading, change.path)))

    def question(self, text: str) -> list[str]:
        """The distinct terms of a question, the first `MAX_QUERY_TERMS` of them."""
        return list(dict.fromkeys(self.terms(text)))[:MAX_QUERY_TERMS]

    def _split(self, word: str) -> tuple[str, ...]:
        if len(word) > MAX_WORD_CHARS:
            return ()
        names = word.split(".")
        whole = [word.lower()] if len(names) > 1 else []
        return tuple(whole + [term for name in names for term in self._name_terms(name)])

    def _name_terms(self, name: str) -> list[str]:
        parts = (_HUMP if name.isascii() else _PIECE).findall(name)
        stems = [self._stem(part.lower()) for part in parts]
        return stems if parts == [name] else [self._stem(name.lower()), *stems]


def _stemmer(language: str) -> _Stem:
    if not language:
        return str
    if language not in _LANGUAGES:
        raise ConfigError(
            f"There is no stemmer for the language {language!r}.",
            hint=f'Choose one of {", ".join(_LANGUAGES)}, or "" to leave words as they are.',
            param="indexes.hybrid.language",
        )
    snowball = tantivy.Filter.stemmer(_LANGUAGES[language])  # the same endings as snowballstemmer's, forty times faster
    analyser = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw()).filter(snowball).build()
    return lambda word: analyser.analyze(word)[0]


if TYPE_CHECKING:
    from collections.abc import Callable

    _Stem = Callable[[str], str]
