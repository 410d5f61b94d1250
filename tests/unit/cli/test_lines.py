"""Text for people: plain in a file, styled on a terminal, harmless in both."""

import io

import pytest

from patina.cli._lines import Piece, clean, count, duration, line, plain, show, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")


def test_a_file_gets_plain_lines_of_any_length() -> None:
    file = io.StringIO()
    show([line("a " * 100, Piece("b", "bold"), indent=2)], file)
    assert file.getvalue() == "  " + "a " * 100 + "b\n"


@pytest.mark.usefixtures("narrow")
def test_a_terminal_gets_colour_and_lines_that_keep_their_indent() -> None:
    terminal = Terminal()
    show([line("word " * 10, Piece("last", "bold"), indent=4)], terminal)
    assert "\x1b[1mlast\x1b[0m" in terminal.getvalue()
    lines = terminal.getvalue().rstrip("\n").split("\n")
    assert len(lines) > 1
    assert all(each.startswith("    ") for each in lines)


@pytest.mark.usefixtures("narrow")
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    show([line(Piece("warning", "yellow"))], terminal)
    assert terminal.getvalue() == "warning\n"


@pytest.mark.usefixtures("narrow")
def test_square_brackets_in_a_passage_are_no_markup() -> None:
    terminal = Terminal()
    show([line("[bold]x[/bold] :smile:")], terminal)
    assert terminal.getvalue() == "[bold]x[/bold] :smile:\n"


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_passage_cannot_command_the_terminal(stream: type[io.StringIO]) -> None:
    out = stream()
    show([line("\x1b]0;title\x07 \x1b[2J \x9b31m \r over\b\x00")], out)
    assert not {"\x1b", "\x07", "\x9b", "\r", "\b", "\x00"} & set(out.getvalue())


def test_tabs_and_line_ends_are_not_controls() -> None:
    assert clean("a\tb\r\nc") == "a   b\nc"


def test_columns_line_up_and_the_last_is_ragged() -> None:
    lines = [plain(each) for each in table([("a", "1", "x"), ("bcd", "23", "y z")], ("name", "n", "rest"))]
    assert lines == ["name  n   rest", "a     1   x", "bcd   23  y z"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "40 ms"), (9.94, "9.9 s"), (12.4, "12 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_in_the_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_agree_with_their_noun() -> None:
    assert [count(number, "hit") for number in (0, 1, 2, 12345)] == ["0 hits", "1 hit", "2 hits", "12 345 hits"]
