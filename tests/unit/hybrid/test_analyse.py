"""What the words of a passage and a question become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.errors import ConfigError
from patina.types import Change
from patina_hybrid.lexical.analyse import MAX_QUERY_TERMS, Analyser

ENGLISH = Analyser("en")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Rotating the log files", ["rotat", "the", "log", "file"]),
        ("snake_case_name", ["snake_case_nam", "snake", "case", "name"]),
        ("camelCaseName", ["camelcasenam", "camel", "case", "name"]),
        ("HTTPServerError", ["httpservererror", "http", "server", "error"]),
        ("os.path.join", ["os.path.join", "os", "path", "join"]),
        ("a.openFile", ["a.openfile", "a", "openfil", "open", "file"]),
        ("__init__", ["__init__", "init"]),
        ("sha256 utf8 Python3", ["sha256", "utf8", "python3"]),
        ("HTTP2Handler", ["http2handler", "http2", "handler"]),
        ("End of sentence. Next", ["end", "of", "sentenc", "next"]),
        ("Größe naïve_Straße", ["größe", "naïve_straß", "naïv", "straße"]),
        ("e\u0301te\u0301", ["été"]),
        ("— … !?", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert ENGLISH.terms(text) == terms


def test_another_language_has_other_endings() -> None:
    assert Analyser("de").terms("Häuser laufen") == ["haus", "lauf"]
    assert Analyser("").terms("Running files") == ["running", "files"]


def test_an_unknown_language_is_refused_with_a_choice() -> None:
    with pytest.raises(ConfigError, match=r"'xx'.*de, el, en") as caught:
        Analyser("xx")
    assert caught.value.param == "indexes.hybrid.language"


def test_title_headings_and_path_count_as_words_of_the_passage() -> None:
    change = Change(
        seq=1, op="put", id="1", text="body", title="Guide", heading=("Setup", "Keys"), path="docs/login.md"
    )
    assert set(ENGLISH.passage(change)) == {"bodi", "guid", "setup", "key", "doc", "login.md", "login", "md"}


def test_a_question_is_bounded_and_has_no_term_twice() -> None:
    asked = ENGLISH.question(" ".join(f"word{number} again" for number in range(1_000)))
    assert len(asked) == len(set(asked)) == MAX_QUERY_TERMS


def test_data_is_not_words() -> None:
    assert ENGLISH.terms("x" * 200 + " " + "aB" * 100 + " word") == ["word"]


@given(st.text())
def test_any_text_gives_terms_without_spaces_that_ask_for_themselves(text: str) -> None:
    terms = ENGLISH.terms(text)
    assert all(term and not any(character.isspace() for character in term) for term in terms)
    assert ENGLISH.terms(text) == terms
