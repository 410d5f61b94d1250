"""Which words of a passage the question asked for, whatever their ending: "rotating" answers "rotate"."""

import re

import snowballstemmer

from patina.cli._lines import Piece

WORD = re.compile(r"\w+")
# What an identifier is made of: getURLPath, snake_case_name, HTTP2Server.
PART = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_a-z]?[^\W\d_A-Z]+|\d+")
MARK = "bold yellow"

LANGUAGES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "da": "danish",
    "no": "norwegian",
    "fi": "finnish",
}
COMMON = """
    a an and any are as at be by can do does for from get has have how i if in into is it its my not of on one or that
    the their then there this to was what when where which who why will with you your
"""


class Marker:
    """Marks the words of one question. `language` is a two-letter code or a Snowball algorithm's name."""

    def __init__(self, question: str, language: str = "en") -> None:
        name = LANGUAGES.get(language, language)
        self._stemmer = snowballstemmer.stemmer(name) if name in snowballstemmer.algorithms() else None
        words = [word for found in WORD.findall(question) for word in {found.lower(), *_parts(found)}]
        telling = [word for word in words if word not in COMMON.split()]
        self._stems = {self._stem(word) for word in telling or words}

    def pieces(self, text: str, style: str = "") -> list[Piece]:
        """The text again, cut where a mark begins or ends."""
        pieces: list[Piece] = []
        done = 0
        for start, end in self._marks(text):
            pieces += [Piece(text[done:start], style), Piece(text[start:end], MARK)]
            done = end
        return [piece for piece in [*pieces, Piece(text[done:], style)] if piece.text]

    def _marks(self, text: str) -> list[tuple[int, int]]:
        """Whole words that match, else the matching parts of an identifier."""
        marks: list[tuple[int, int]] = []
        for word in WORD.finditer(text):
            if self._asked(word.group()):
                marks.append(word.span())
            else:
                parts = PART.finditer(text, word.start(), word.end())
                marks += [part.span() for part in parts if self._asked(part.group())]
        return marks

    def _asked(self, word: str) -> bool:
        return self._stem(word.lower()) in self._stems

    def _stem(self, word: str) -> str:
        return str(self._stemmer.stemWord(word)) if self._stemmer else word


def _parts(word: str) -> set[str]:
    return {part.group().lower() for part in PART.finditer(word)}
