"""Which of several values wins, and what is remembered of where it came from."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from patina.config import Config, load, rows

Write = Callable[[str], Path]

LAYERS = ["default", "user file", "project file", "environment", "flag"]
INDEX = {"default": "hybrid", "user file": "user", "project file": "project", "environment": "env", "flag": "flag"}


@pytest.fixture
def loaded(home: Path, project: Path, user_file: Write, project_file: Write) -> Callable[..., Config]:
    """Loads a configuration in which exactly the given layers name an index."""

    def load_layers(*layers: str) -> Config:
        env: dict[str, str] = {}
        flags: dict[str, Any] = {"defaults.index": None}
        if "user file" in layers:
            user_file('[defaults]\nindex = "user"')
        if "project file" in layers:
            project_file('[defaults]\nindex = "project"')
        if "environment" in layers:
            env["PATINA_DEFAULTS_INDEX"] = "env"
        if "flag" in layers:
            flags["defaults.index"] = "flag"
        return load(home=home, project=project, env=env, flags=flags)

    return load_layers


@pytest.mark.parametrize(("weak", "strong"), list(combinations(LAYERS, 2)))
def test_the_stronger_of_two_layers_wins(loaded: Callable[..., Config], weak: str, strong: str) -> None:
    assert loaded(weak, strong).defaults.index == INDEX[strong]


def test_all_layers_at_once(loaded: Callable[..., Config]) -> None:
    assert loaded(*LAYERS).defaults.index == "flag"


def test_every_value_knows_where_it_came_from(
    loaded: Callable[..., Config], home: Path, project: Path, user_file: Write
) -> None:
    origins = {layer: loaded(layer).origin("defaults.index") for layer in ("default", "environment", "flag")}
    assert origins == {"default": "default", "environment": "environment PATINA_DEFAULTS_INDEX", "flag": "flag"}
    assert loaded("project file").origin("defaults.index") == str(project / ".patina" / "config.toml")
    user_file("[daemon]\nport = 1")
    config = load(home=home, env={"PATINA_DAEMON_HOST": "::1"})
    assert config.origin("daemon.port") == str(home / "config.toml")
    assert config.origin("daemon.host") == "environment PATINA_DAEMON_HOST"
    assert config.origin("daemon.keep_alive") == "default"


def test_layers_mix_key_by_key(home: Path, user_file: Write) -> None:
    user_file('[daemon]\nhost = "0.0.0.0"\nport = 1\nmax_memory_mb = 64')
    daemon = load(home=home, env={"PATINA_DAEMON_PORT": "2"}, flags={"daemon.max_memory_mb": 128}).daemon
    assert (daemon.host, daemon.port, daemon.max_memory_mb) == ("0.0.0.0", 2, 128)


def test_the_four_well_known_daemon_settings_load_as_written(home: Path, user_file: Write) -> None:
    user_file('[daemon]\nport = 50051\nhost = "127.0.0.1"\nkeep_alive = "5m"\nmax_memory_mb = 2048\n')
    config = load(home=home, env={})
    assert (config.daemon.port, config.daemon.keep_alive) == (50051, "5m")


def test_a_collection_takes_what_it_does_not_say_from_the_defaults(home: Path, user_file: Write) -> None:
    user_file('[defaults]\nchunk_tokens = 200\n[collections.notes]\nembedder = "other"\nroot = "/notes"')
    config = load(home=home, env={"PATINA_DEFAULTS_RRF_K": "7"})
    notes, unnamed = config.pipeline("notes"), config.pipeline("unnamed")
    assert (notes.embedder, notes.chunk_tokens, notes.rrf_k, notes.root) == ("other", 200, 7, "/notes")
    assert (unnamed.embedder, unnamed.chunk_tokens, unnamed.rrf_k, unnamed.root) == ("onnx", 200, 7, None)


def test_a_collection_of_any_name_can_be_set_in_the_environment(home: Path, user_file: Write) -> None:
    user_file('[collections."my-notes.d"]\nindex = "a"')
    env = {"PATINA_COLLECTIONS_MY_NOTES_D_INDEX": "b", "PATINA_COLLECTIONS_NEW_CHUNK_TOKENS": "99"}
    config = load(home=home, env=env, flags={"collections.my-notes.d.rrf_k": "9"})
    assert (config.pipeline("my-notes.d").index, config.pipeline("my-notes.d").rrf_k) == ("b", 9)
    assert config.pipeline("new").chunk_tokens == 99


def test_plain_settings_come_from_everywhere(home: Path, user_file: Write) -> None:
    user_file('auto_start = false\nmodel_cache = "models"\nmothership = "a:1"\nkey = "from the file"')
    config = load(home=home, env={"PATINA_KEY": "from the environment", "PATINA_SOCKET": "/run/p.sock"})
    assert config.auto_start is False
    assert config.model_folder == home / "models"  # a relative path in a file starts at the file
    assert config.mothership == "a:1"
    assert config.key is not None
    assert config.key.reveal() == "from the environment"
    assert config.socket == Path("/run/p.sock")


def test_an_empty_variable_counts_as_unset(home: Path) -> None:
    assert load(home=home, env={"PATINA_DAEMON_PORT": "", "PATINA_NO_SUCH": ""}).daemon.port == 50051


def test_the_home_comes_from_the_flag_then_the_environment(tmp_path: Path) -> None:
    env = {"PATINA_HOME": str(tmp_path / "env")}
    assert load(env=env).home == tmp_path / "env"
    assert load(env=env).origin("home") == "environment PATINA_HOME"
    assert load(home=tmp_path / "flag", env=env).home == tmp_path / "flag"


def test_the_environment_of_the_process_is_read_by_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATINA_DAEMON_PORT", "4711")
    assert load(home=home).daemon.port == 4711


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("PATINA_DAEMON_TRANSPORTS", "http, unix", "daemon.transports", ["http", "unix"]),
        ("PATINA_DAEMON_DRAIN_TIMEOUT_S", "2.5", "daemon.drain_timeout_s", 2.5),
        ("PATINA_DAEMON_KEEP_ALIVE", "-1", "daemon.keep_alive", "-1"),
        ("PATINA_DEFAULTS_WEIGHTS", "dense=1,lexical=0.5", "defaults.weights", {"dense": 1.0, "lexical": 0.5}),
        ("PATINA_PLUGINS_ONLY", "onnx", "plugins.only", ["onnx"]),
        ("PATINA_AUTO_START", "0", "auto_start", False),
        ("PATINA_AUTO_START", "1", "auto_start", True),
        ("PATINA_AUTO_START", "true", "auto_start", True),
        ("PATINA_AUTO_START", "false", "auto_start", False),
        ("PATINA_MOTHERSHIP", "box:50051", "mothership", "box:50051"),
        ("PATINA_MOTHER", "box:50051", "mothership", "box:50051"),
    ],
)
def test_text_from_the_environment_becomes_a_value(
    home: Path, variable: str, text: str, key: str, value: object
) -> None:
    config = load(home=home, env={variable: text})
    assert {row.key: (row.value, row.origin) for row in rows(config)}[key] == (value, f"environment {variable}")
