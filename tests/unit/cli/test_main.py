"""The edge: every way out of a command, as a sentence and an exit code."""

import errno
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patina import errors
from patina.cli import _main, main

HEAVY = {"onnxruntime", "numpy", "litestar", "uvicorn", "tantivy", "hnswlib", "tokenizers", "apsw"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, and a directory that is in no project."""
    monkeypatch.setenv("PATINA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATINA_SOCKET", "/tmp/patina-nobody-listens-here.sock")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home"
    logging.getLogger().setLevel(logging.WARNING)


def failing(error: BaseException) -> Callable[[list[str]], int]:
    def run(_: list[str]) -> int:
        raise error

    return run


@pytest.mark.parametrize("name", sorted(errors.OUTCOMES))
def test_every_error_leaves_as_one_sentence_a_hint_and_its_code(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = errors.by_code(name)("It went wrong.", hint="Do this.")
    monkeypatch.setattr(_main, "_run", failing(error))
    assert main(["status"]) == errors.OUTCOMES[name].exit_code
    assert capsys.readouterr() == ("", "patina: It went wrong.\n  Do this.\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted"),
        (KeyError("x"), 1, "KeyError: 'x'"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device."),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.txt"), 1, "a.txt: No such file."),
    ],
)
def test_no_traceback_reaches_the_user(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_main, "_run", failing(error))
    assert main(["status"]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_main, "_run", failing(KeyError("x")))
    main(["status", "--debug"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("scry", "The question is empty."),
        ("scry x --limit 0", "--limit must be from 1 to 1000, not 0."),
        ("scry x --limit 100000", "--limit must be from 1 to 1000, not 100000."),
        ("scry x --limit many", "--limit"),
        ("scry x --mode psychic", '"hybrid", "semantic", "lexical"'),
        ("scry x --min-score 1.5", "--min-score must be from 0 to 1, not 1.5."),
        ("scry x --min-score nan", "--min-score must be from 0 to 1, not nan."),
        ("scry x --file y", "not both"),
        ("scry x --repo y --all-repos", "not both"),
        ("scry x --nonsense", "--nonsense"),
        ("index", "Say what to take in."),
        ("index /not/here", "/not/here"),
        ("index . --no-wait --standalone", "--no-wait"),
        ("export", "--output"),
        ("export --output /not/here/x", "/not/here/x"),
        ("rebuild notes", "notes"),
        ("delete --all", "--repo"),
        ("delete --repo notes", "Say what to delete: --id, --path, --folder or --all."),
        ("delete --repo notes --all", "--yes"),
        ("import", "--file"),
        ("import /not/here.jsonl", "/not/here.jsonl"),
        ("backup", "--file"),
        ("backup /not/here/x", "/not/here/x"),
        ("restore", "--file"),
        ("restore /not/here", "/not/here"),
        ("jobs show", "ID"),
        ("jobs show many", "many"),
        ("sery x", "Did you mean scry"),
        ("plugins info onx", "'onx'"),
        ("config show --set daemon.prt=1", "daemon.port"),
        ("config show --set nonsense", "KEY=VALUE"),
        ("serve --transport pigeon", "Installed: http, unix."),
        ("serve --port 99999", "daemon.port"),
    ],
)
def test_bad_usage_exits_2_and_names_the_thing(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anybody is asked: where nobody listens, asking would end with 3 or 6."""
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("patina: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("words", ["status", "ping", "daemon status", "daemon stop"])
def test_who_never_starts_a_daemon_exits_3(words: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 3
    assert str(home) in capsys.readouterr().err
    assert not (home / "logs").exists()


def test_a_mothership_that_is_down_is_named_and_nobody_else_answers(
    monkeypatch: pytest.MonkeyPatch, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATINA_MOTHERSHIP", "http://127.0.0.1:9")
    for words in ("scry x", "status", "ping", "verify", "index ."):
        assert main(words.split()) == 3, words
        out, err = capsys.readouterr()
        assert "127.0.0.1:9" in err
        assert out == ""
    assert not (home / "data").exists()


def test_a_mistyped_setting_is_an_error_and_never_a_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATINA_DAEMON_PRT", "1")
    assert main(["scry", "x"]) == 2
    assert "PATINA_DAEMON_PORT" in capsys.readouterr().err
    assert main(["--help"]) == 0  # help helps all the same


def test_flags_beat_the_environment_which_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[daemon]\nport = 1000\nhost = "127.0.0.2"\nlog_level = "error"\n')
    monkeypatch.setenv("PATINA_DAEMON_PORT", "2000")
    monkeypatch.setenv("PATINA_DAEMON_HOST", "127.0.0.3")
    assert main(["config", "show", "--origin", "--json", "--set", "daemon.port=3000"]) == 0
    settings = json.loads(capsys.readouterr().out)
    assert settings["daemon.port"] == {"value": 3000, "origin": "flag"}
    assert settings["daemon.host"]["value"] == "127.0.0.3"
    assert settings["daemon.log_level"]["value"] == "error"


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATINA_KEY", "hunter2")
    for words in ("config show", "config show --json"):
        assert main(words.split()) == 0
        out = capsys.readouterr().out
        assert "hunter2" not in out
        assert "***" in out


@pytest.mark.parametrize("words", [["--help"], ["scry", "--help"], ["serve", "--help"], ["--version"], ["plugins"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from patina.cli import main; main({words!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())
    assert done.stdout
