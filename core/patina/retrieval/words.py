"""Which of a question's words a passage holds, compared by stem; ``snake_case`` and ``camelCase`` are taken apart."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+")
_BEGINNING = 3  # the letters that the stemmer leaves alone, but for a handful of words such as "dying"
_STOP = frozenset(
    "a after an and are as at be before between by can do does for from has have how i if in into is it its may me my "
    "no not of on or our over should so some such than that the their them then there these they this through to was "
    "we what when where which who whom why will with would you your".split()
)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    return str(snowballstemmer.stemmer("english").stemWord(word.lower()))


class Words:
    """The telling words of a question, ready to be looked for in many texts.

    Those that every sentence has are left out, unless nothing else is left.
    """

    def __init__(self, question: str) -> None:
        words = {stem(word): word for word in _WORD.findall(question)}
        telling = {s: w for s, w in words.items() if w.lower() not in _STOP}
        self.by_stem = telling or words
        self._beginnings = frozenset(one[:_BEGINNING] for one in self.by_stem)
        self._forms: dict[str, dict[str, str]] = {}

    def forms(self, text: str) -> dict[str, str]:
        """The words of a text that are among these, in lower case, and the stem of each."""
        if text not in self._forms:  # a passage is looked at more than once on the way to an answer
            self._forms[text] = self._look(text)
        return self._forms[text]

    def held(self, text: str) -> set[str]:
        """The stems of those that a text holds."""
        return set(self.forms(text).values())

    def matched(self, text: str) -> list[str]:
        """Those that occur in a text, in the question's order and as it writes them."""
        held = self.held(text)
        return [word for one, word in self.by_stem.items() if one in held]

    def _look(self, text: str) -> dict[str, str]:
        """Only words that begin like one of these are stemmed: that is what costs."""
        beginnings, lower = self._beginnings, text.lower()
        if not any(beginning in lower for beginning in beginnings):
            return {}
        near = {word for word in map(str.lower, _WORD.findall(text)) if word[:_BEGINNING] in beginnings}
        return {word: one for word in near if (one := stem(word)) in self.by_stem}
