"""Where texts of each kind are cut."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from patina.errors import ConfigError
from patina.ingest.chunk import Chunker, Piece, estimate
from patina.ingest.extract import extract

WORD = re.compile(r"\w+|[^\w\s]")
ADDED = 5
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
STDLIB = Path(sysconfig.get_paths()["stdlib"])


def measure(texts: Sequence[str]) -> list[int]:
    return [ADDED + len(WORD.findall(text)) for text in texts]


def cut(text: str, language: str, target: int, most: int = 0, overlap: int = 0) -> list[Piece]:
    """With room for `target` words."""
    return Chunker(measure, target + ADDED, (most or 2 * target) + ADDED, overlap, "words").cut(text, language)


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


# -- Markdown ---------------------------------------------------------------------------------------------------------


def test_sections_become_pieces_with_their_headings() -> None:
    text = f"# T\n\n{words(20)}\n\n## A\n\n{words(20)}\n\n### B\n\n{words(20)}\n"
    pieces = cut(text, "markdown", 32)
    assert [piece.heading for piece in pieces] == [("T",), ("T", "A"), ("T", "A", "B")]
    assert [piece.text.split("\n")[0] for piece in pieces] == ["# T", "## A", "### B"]
    assert [(piece.start_line, piece.end_line) for piece in pieces] == [(1, 3), (5, 7), (9, 11)]


def test_a_small_section_is_joined_by_its_sibling_and_by_its_child() -> None:
    siblings = cut(f"# T\n{words(20)}\n## A\n{words(3)}\n## B\n{words(20)}\n", "markdown", 32)
    assert [piece.heading for piece in siblings] == [("T",), ("T",)], "A and B share no more than T"
    assert siblings[1].text.startswith("## A")
    child = cut(f"# T\n\n## A\n{words(20)}\n## B\n{words(20)}\n", "markdown", 32)
    assert [piece.heading for piece in child] == [("T",), ("T", "B")]
    assert child[0].text.startswith("# T\n\n## A")


def test_a_small_section_is_not_joined_by_what_stands_elsewhere() -> None:
    pieces = cut(f"# T\n## A\n### One\n{words(20)}\n### Two\n{words(2)}\n## B\n{words(5)}\n", "markdown", 32)
    assert [piece.heading for piece in pieces][-2:] == [("T", "A", "Two"), ("T", "B")]


def test_a_long_section_keeps_its_heading_on_every_piece_and_is_cut_between_paragraphs() -> None:
    paragraphs = [words(12, f"w{number}") + "." for number in range(9)]
    pieces = cut("# T\n\n" + "\n\n".join(paragraphs), "markdown", 30)
    assert {piece.heading for piece in pieces} == {("T",)}
    assert "\n\n".join(piece.text for piece in pieces) == "# T\n\n" + "\n\n".join(paragraphs)


def test_a_heading_is_not_left_alone_at_the_end_of_a_piece() -> None:
    text = "".join(f"## S{number}\n\n{words(16)}.\n\n" for number in range(12))
    for piece in cut(text, "markdown", 22):
        assert not piece.text.rsplit("\n", 1)[-1].startswith("#")


def test_fenced_code_is_not_parted_where_prose_can_be() -> None:
    code = "```python\n# not a heading\n\nx = 1\n\n\ny = 2\n```"
    text = f"# T\n\n{words(14)}.\n\n{words(12)}.\n\n{code}\n\n{words(14)}.\n"
    pieces = cut(text, "markdown", 40)
    assert next(piece.text for piece in pieces if "```" in piece.text).count("```") == 2
    assert all(piece.heading == ("T",) for piece in pieces)


# -- prose ------------------------------------------------------------------------------------------------------------


def test_prose_is_cut_between_paragraphs_before_sentences() -> None:
    text = f"{words(9)}. {words(9)}.\n\n{words(9)}. {words(9)}.\n\n{words(9)}. {words(9)}."
    pieces = cut(text, "", 32)
    assert [piece.text for piece in pieces] == text.split("\n\n")


def test_a_long_paragraph_is_cut_between_sentences_wherever_its_lines_end() -> None:
    sentences = [f"Sentence {number} goes on\nfor e.g. Dr. No over two lines." for number in range(12)]
    pieces = cut(" ".join(sentences), "", 40)
    assert len(pieces) > 2
    for piece in pieces:
        assert piece.text.startswith("Sentence")
        assert piece.text.endswith("lines.")


def test_full_width_stops_end_sentences_without_a_space() -> None:
    sentence = "これは文です。"
    by_letters = Chunker(lambda texts: [len(text) for text in texts], 40, 50, 0, "letters")
    for piece in by_letters.cut(sentence * 20):
        assert piece.text.endswith("。")
        assert len(piece.text) == 35


def test_a_sentence_without_end_is_cut_between_words() -> None:
    for piece in cut("\n".join(words(11) for _ in range(20)), "", 30, most=40):
        assert set(piece.text.split()) == {"word"}


def test_a_tiny_rest_is_taken_along() -> None:
    sentences = " ".join(f"{words(9)}." for _ in range(9))
    pieces = cut(f"{sentences} {words(3)}.", "", 90)
    assert len(pieces) == 1
    assert len(cut(f"{sentences} {words(3)}.", "", 90, most=90)) == 2, "but not beyond the maximum"


# -- code -------------------------------------------------------------------------------------------------------------

FUNCTION = '''# What it is for.
@cache
def {name}(x):
    """Doc."""
    if x:
        return 1

    else:
        return [
            2,
        ]
'''


def test_code_is_cut_in_front_of_definitions_with_what_stands_above_them() -> None:
    text = "import a\nimport b\n\n\n" + "\n\n".join(FUNCTION.format(name=f"f{number}") for number in range(8))
    pieces = cut(text, "python", 60)
    assert len(pieces) > 3
    for piece in pieces[1:]:
        assert piece.text.startswith("# What it is for.\n@cache\ndef ")
        assert piece.text.endswith("]")


def test_a_banner_stays_with_what_it_announces() -> None:
    banner = "# ====\n# Part {name}\n# ====\n\ndef f{name}():\n    a = 1\n    return a\n\n"
    pieces = cut("".join(banner.format(name=number) for number in range(12)), "python", 60)
    assert len(pieces) > 3
    assert all(piece.text.startswith("# ====\n# Part") for piece in pieces)


def test_a_definition_that_fits_is_kept_whole_rather_than_filling_a_piece() -> None:
    small, large = "def small():\n    return 1\n", "def large():\n" + "    x = y\n" * 15
    pieces = cut(f"{small * 3}\n\n{large}", "python", 60)
    assert pieces[-1].text == large.rstrip()


def test_a_long_class_is_cut_between_methods() -> None:
    method = "    def {name}(self):\n        a = 1\n\n        b = 2\n        return a + b\n\n"
    text = "class C:\n" + "".join(method.format(name=f"m{number}") for number in range(10))
    for piece in cut(text, "python", 50)[1:]:
        assert piece.text.startswith("    def ")


def test_braces_stay_with_the_block_they_close() -> None:
    function = "int f%d(void)\n{\n\tint a;\n\n\ta = 1;\n\treturn a;\n}\n\n"
    for piece in cut("".join(function % number for number in range(10)), "c", 40):
        assert piece.text.startswith("int f")
        assert piece.text.endswith("}")


# -- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_bytes_and_lines_are_those_of_the_file(newline: str) -> None:
    raw = "\ufeff" + newline.join(["", "ä = 1", "", "", "  b = 2", "", "ü = 3", ""])
    pieces = cut(raw, "python", 20)
    [piece] = pieces
    assert (piece.start_line, piece.end_line) == (2, 7)
    assert piece.start_byte == 3 + len(newline)
    assert raw.encode()[piece.start_byte : piece.end_byte].decode() == piece.text
    assert piece.text.startswith("ä")
    assert piece.text.endswith("3")


def test_a_first_line_keeps_its_indentation() -> None:
    [piece] = cut("\n\n    indented\n", "", 20)
    assert piece.text == "    indented"


@pytest.mark.parametrize("text", ["", " ", "\n\n\t\r\n", "\ufeff", "\ufeff \n"])
@pytest.mark.parametrize("language", ["", "python", "markdown"])
def test_a_blank_text_has_no_pieces(text: str, language: str) -> None:
    assert cut(text, language, 20) == []


# -- overlap ----------------------------------------------------------------------------------------------------------


def test_pieces_repeat_whole_sentences_of_the_one_before() -> None:
    sentences = [f"S{number} {words(8)}." for number in range(30)]
    pieces = cut(" ".join(sentences), "", 60, most=70, overlap=20)
    for before, after in pairwise(pieces):
        repeated = before.text[len(before.text) - (before.end_byte - after.start_byte) :]
        assert after.text.startswith(repeated)
        assert len(WORD.findall(repeated)) == 20
    assert sorted(
        {found for piece in pieces for found in re.findall(r"S\d+", piece.text)}, key=lambda s: int(s[1:])
    ) == [sentence.split()[0] for sentence in sentences]


def test_a_new_section_repeats_nothing() -> None:
    pieces = cut(f"# A\n{words(30)}. {words(9)}.\n# B\n{words(30)}.", "markdown", 60, overlap=10)
    assert [piece.text[:3] for piece in pieces] == ["# A", "# B"]


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "most", "overlap"), [(20, 512, 0), (400, 20, 0), (400, 512, 200), (400, 512, -1)])
def test_settings_without_room_for_a_text_are_refused(target: int, most: int, overlap: int) -> None:
    with pytest.raises(ConfigError) as refused:
        Chunker(measure, target, most, overlap, "words")
    assert refused.value.hint
    assert refused.value.param in {"chunk_tokens", "chunk_overlap_tokens"}


def test_a_target_over_the_maximum_means_the_maximum() -> None:
    pieces = Chunker(measure, 1000, 50, 0, "words").cut(words(200))
    assert max(measure([piece.text for piece in pieces])) <= 50


def test_the_name_tells_settings_apart() -> None:
    settings = [(400, 512, 0, "a"), (300, 512, 0, "a"), (400, 500, 0, "a"), (400, 512, 9, "a"), (400, 512, 0, "b")]
    assert len({Chunker(measure, *given).name for given in settings}) == len(settings)


# -- real files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["argparse.py", "_pydecimal.py", "json/decoder.py", "turtle.py", "LICENSE.txt"])
def test_files_of_the_standard_library_are_cut_to_measure(name: str) -> None:
    path = STDLIB / name
    if not path.exists():
        pytest.skip("not part of this installation")
    raw = path.read_bytes()
    text = extract(name, raw)
    pieces = Chunker(estimate, 400, 512, 0, "estimate").cut(text.text, text.language)
    counts = estimate([piece.text for piece in pieces])
    assert max(counts) <= 512
    assert sum(counts) / len(counts) > 200, "well filled"
    assert all(raw[piece.start_byte : piece.end_byte].decode() == piece.text for piece in pieces)
    lines = raw.decode().splitlines()
    assert all(lines[piece.start_line - 1].startswith(piece.text.split("\n")[0]) for piece in pieces)


@pytest.mark.parametrize("name", ["argparse.py", "shutil.py", "statistics.py"])
def test_definitions_that_fit_are_kept_whole(name: str) -> None:
    source = (STDLIB / name).read_text()
    lines = source.splitlines(keepends=True)
    spans = [(node.lineno, node.end_lineno or 0) for node in ast.parse(source).body if isinstance(node, DEFINITIONS)]
    fitting = [span for span in spans if estimate(["".join(lines[span[0] - 1 : span[1]])])[0] <= 380]
    pieces = Chunker(estimate, 400, 512, 0, "estimate").cut(source, "python")
    parted = [
        span
        for span in fitting
        if not any(span[0] >= piece.start_line and span[1] <= piece.end_line for piece in pieces)
    ]
    assert len(fitting) > 10
    assert len(parted) <= 1
