"""What a person reads who got something wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from patina.config import Config, DaemonSettings, PipelineSettings, load, seconds
from patina.errors import ConfigError

Write = Callable[[str], Path]


def complaint(home: Path, env: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(home=home, env=env or {}, flags={key.replace("__", "."): value for key, value in flags.items()})
    assert caught.value.outcome.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("[daemon]\nprot = 1", "daemon.prot|Did you mean daemon.port?"),
        ("[daemn]\nport = 1", "[daemn]|is no section. Did you mean daemon?"),
        ("port = 1", "port|Did you mean daemon.port?"),
        ('modell_cache = "x"', "modell_cache|Did you mean model_cache?"),
        ("[collections.notes]\nchunk_token = 1", "collections.notes.chunk_token|collections.notes.chunk_tokens?"),
        ('[defaults]\nroot = "/x"', "defaults.root|is no setting"),
        ("[zzz]", "[zzz]|is no section"),
    ],
)
def test_an_unknown_key_names_the_file_and_the_nearest_valid_one(
    home: Path, user_file: Write, text: str, nearest: str
) -> None:
    path = user_file(text)
    sentence = complaint(home)
    assert all(part in sentence for part in (str(path), *nearest.split("|")))


def test_an_unknown_variable_or_flag_names_the_nearest_valid_one(home: Path) -> None:
    assert "Did you mean PATINA_DAEMON_PORT?" in complaint(home, {"PATINA_DEAMON_PORT": "1"})
    assert "Did you mean daemon.port?" in complaint(home, daemon__prt="1")


def test_all_problems_of_all_layers_come_in_one_error(home: Path, user_file: Write) -> None:
    user_file('[daemon]\nport = 70000\nlog_level = "loud"\n[defaults]\nrrf_k = 0')
    lines = complaint(home, {"PATINA_DAEMON_WORKERS": "many"}, daemon__hots="x").splitlines()
    assert lines[0] == "The configuration has 5 problems:"
    assert lines[1:] == [
        f"daemon.port ({home}/config.toml): expected a whole number from 0 to 65535, found 70000.",
        f'daemon.log_level ({home}/config.toml): expected one of debug, error, info, warning, found "loud".',
        f"defaults.rrf_k ({home}/config.toml): expected a whole number from 1 to 10000, found 0.",
        'daemon.workers (environment PATINA_DAEMON_WORKERS): expected a whole number from 0 to 1024, found "many".',
        "daemon.hots (flag) is no setting. Did you mean daemon.host?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[daemon]\nport = "50051"', 'a whole number from 0 to 65535, found "50051"'),
        ('[daemon]\nkeep_alive = "soon"', 'a duration: "5m"'),
        ("[daemon]\nkeep_alive = 1.5", 'a duration: "5m"'),
        ("[daemon]\ntransports = []", "a list that is not empty, each item text, found []"),
        ("[daemon]\nidle_exit_s = nan", "a number from 0"),
        ("[plugins]\nblock = [1]", "a list, each item text, found [1]"),
        ("auto_start = 1", "true or false, found 1"),
        ('model_cache = "a\\u0000b"', "a path"),
        ('[collections.a]\nroot = "a\\u0000b"', "text"),
        ("daemon = 3", "a table, found 3"),
        ("[collections]\nnotes = 3", "a table, found 3"),
        ('embedders = "onnx"', 'a table, found "onnx"'),
        ("[defaults]\nchunk_tokens = 100\nchunk_overlap_tokens = 100", "less than chunk_tokens (100), found 100"),
        ("[collections.a]\nchunk_overlap_tokens = 400", "less than chunk_tokens (400), found 400"),
        ("[defaults]\nweights = {dense = -1}", 'a table, each value a number from 0 to 1000, found {"dense": -1}'),
    ],
)
def test_a_bad_value_names_what_is_expected_and_what_was_found(
    home: Path, user_file: Write, text: str, expected: str
) -> None:
    user_file(text)
    assert f"expected {expected}" in complaint(home)


def test_a_bad_value_is_an_error_even_where_a_stronger_layer_has_a_good_one(home: Path, user_file: Write) -> None:
    user_file("[daemon]\nport = -1")
    assert "daemon.port" in complaint(home, daemon__port=1)


def test_a_syntax_error_names_file_line_and_what_stands_there(home: Path, user_file: Write) -> None:
    path = user_file('[daemon]\nhost = "127.0.0.1"\nport = = 3\n')
    assert complaint(home) == f"{path}, line 3: invalid value, found: port = = 3"


def test_an_unfinished_file_names_its_last_line(home: Path, user_file: Write) -> None:
    user_file('[daemon]\nhost = "127')
    assert "line 2: illegal character" in complaint(home) or "line 2: unterminated" in complaint(home)
    user_file("[daemon]\nport =")
    assert "line 2: invalid value, found: port =" in complaint(home)


def test_what_is_no_text_file_is_a_sentence(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b"[daemon]\nhost = '\xff'")
    assert "config.toml is not UTF-8 text" in complaint(home)
    (home / "config.toml").write_bytes(b"#" * 1_000_001)
    assert "larger than the 1,000,000 bytes" in complaint(home)
    (home / "config.toml").write_text("[daemon]\nport = " + "[" * 100_000)
    assert "config.toml nests its values too deeply" in complaint(home)
    (home / "config.toml").write_text("[daemon]\nport = " + "9" * 5000)
    assert "config.toml, line 2: exceeds the limit" in complaint(home)
    (home / "config.toml").unlink()
    (home / "config.toml").mkdir()
    assert "config.toml cannot be read" in complaint(home)


def test_two_motherships_must_agree(home: Path) -> None:
    assert "disagree" in complaint(home, {"PATINA_MOTHERSHIP": "a", "PATINA_MOTHER": "b"})
    assert load(home=home, env={"PATINA_MOTHERSHIP": "a", "PATINA_MOTHER": "a"}).mothership == "a"


def test_a_secret_is_not_repeated_by_its_error(home: Path, user_file: Write) -> None:
    user_file('key = ["geheim"]')
    assert "geheim" not in complaint(home)


def test_a_library_user_gets_all_bounds_checked_too() -> None:
    with pytest.raises(ConfigError) as caught:
        Config(daemon=DaemonSettings(port=-1, max_memory_mb=0), collections={"a": PipelineSettings(rrf_k=0)})
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "daemon.port",
        "daemon.max_memory_mb",
        "collections.a.rrf_k",
    ]
    with pytest.raises(TypeError, match="hom"):
        Config(hom="./x")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("2d", 172800),
        ("90", 90),
        (90, 90),
        (0, 0),
        ("0", 0),
    ],
)
def test_durations(text: str | int, value: float) -> None:
    assert seconds(text) == value


def test_minus_one_is_never() -> None:
    assert seconds(-1) == seconds("-1") == float("inf")


@pytest.mark.parametrize("text", ["", "m", "5 m", "5x", "-2", -2, "1h-3m", "٣m", "5m\n", "inf", True])
def test_what_is_no_duration_is_refused(text: str | int) -> None:
    with pytest.raises(ConfigError, match="is no duration"):
        seconds(text)
