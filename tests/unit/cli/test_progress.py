"""Progress: a bar on a terminal, a line now and then elsewhere, nothing when asked."""

import io

import pytest

from patina.cli._lines import plain
from patina.cli._progress import progress, told
from patina.cli._reports import report_lines, show_failures
from patina.wire import IndexReport, InputFailure, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


READ = Progress(repo="docs", stage="read", done=120, total=None, rate=61.25)
EMBED = Progress(repo="docs", stage="embed", done=400, total=1200, rate=31.04, eta_s=25.8)


def test_an_event_in_words() -> None:
    assert told(READ) == "Reading docs: 120 files, 61.2/s"
    assert told(EMBED) == "Embedding docs: 400 of 1 200 chunks, 31.0/s, 26 s left"


def test_a_file_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("patina.cli._progress.time.monotonic", lambda: now)
    out = io.StringIO()
    with progress(quiet=False, stream=out) as shown:
        for now in (101.0, 104.9, 105.0, 109.0, 110.0):  # noqa: B007 - read by the clock above
            shown(EMBED)
    assert out.getvalue() == f"{told(EMBED)}\n" * 2


def test_quiet_is_quiet() -> None:
    for out in (io.StringIO(), Terminal()):
        with progress(quiet=True, stream=out) as shown:
            shown(EMBED)
        assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_for_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with progress(quiet=False, stream=out) as shown:
        shown(READ)
        shown(EMBED)
    for words in ("Reading docs", "120 files", "Embedding docs", "26 s left"):
        assert words in out.getvalue()


def test_a_report_in_sentences() -> None:
    report = IndexReport(
        repo="docs",
        added=12,
        removed=1,
        unchanged=40,
        chunks=230,
        embedded=210,
        skipped={"ignored": 10, "too_large": 1},
        note="Embedding goes on behind.",
        took_ms=12_340,
    )
    assert [plain(line) for line in report_lines(report)] == [
        "docs: 12 added, 1 removed, 40 unchanged; 230 chunks written, 210 embedded, 12 s.",
        "  Left out: 10 ignored, 1 too large.",
        "  Embedding goes on behind.",
    ]


def test_failures_are_listed_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show_failures([InputFailure(path=f"{number}.txt", reason="Permission denied.") for number in range(60)])
    out, err = capsys.readouterr()
    assert out == ""
    assert "60 inputs failed:" in err
    assert "  0.txt: Permission denied.\n" in err
    assert "  and 10 more\n" in err
