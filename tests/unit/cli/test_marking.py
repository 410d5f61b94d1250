"""Which words of a passage are marked for a question."""

import pytest

from patina.cli._marking import MARK, Marker


def marked(question: str, text: str, language: str = "en") -> list[str]:
    pieces = Marker(question, language).pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    return [piece.text for piece in pieces if piece.style == MARK]


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("how do I rotate logs?", "Rotating a log: rotated, rotation.", ["Rotating", "log", "rotated", "rotation"]),
        ("the lock", "the lock in the hall", ["lock"]),
        ("what is the", "what is it", ["what", "is"]),
        ("rotate", "class RotatingFileHandler: rotate_now()", ["Rotating", "rotate"]),
        ("RotatingFileHandler", "a RotatingFileHandler rotates a file", ["RotatingFileHandler", "rotates", "file"]),
        ("HTTP server", "HTTPServer2 and http_server", ["HTTP", "Server", "http", "server"]),
        ("größe", "Die Größe zählt", ["Größe"]),
        ("snake_case_name", "snake_case_name", ["snake_case_name"]),
        ("x", "", []),
    ],
)
def test_words_are_marked_whatever_their_ending(question: str, text: str, words: list[str]) -> None:
    assert marked(question, text) == words


def test_another_language_is_stemmed_by_its_own_rules() -> None:
    assert marked("Häuser", "das Haus, die Häuser", "de") == ["Haus", "Häuser"]
    assert marked("rotate", "rotating rotate", "xx") == ["rotate"]
