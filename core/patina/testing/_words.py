"""The words of a text as the fakes see them."""

from __future__ import annotations

import re
import threading

import snowballstemmer

MAX_REMEMBERED = 100_000
_WORD = re.compile(r"\w+")


class Words:
    """Splits texts into lower-case English stems; remembers the stems of words it has seen. Thread-safe."""

    def __init__(self) -> None:
        self._stemmer = snowballstemmer.stemmer("english")
        self._stems: dict[str, str] = {}
        self._lock = threading.Lock()  # a stemmer works on one word at a time

    def __call__(self, text: str) -> list[str]:
        return [self._stem(word) for word in _WORD.findall(text.lower())]

    def _stem(self, word: str) -> str:
        known = self._stems.get(word)
        if known is not None:
            return known
        with self._lock:
            stem: str = self._stemmer.stemWord(word)
            if len(self._stems) < MAX_REMEMBERED:
                self._stems[word] = stem
        return stem
