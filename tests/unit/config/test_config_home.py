"""The home on disk, its socket, and a `Config` that a program makes by itself."""

import os
import stat
from pathlib import Path

import pytest

from patina.config import Config, load, prepare_home, rows, socket_path
from patina.errors import ConfigError
from patina.types import Secret


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_config_of_a_program_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("this is no TOML")
    monkeypatch.setenv("PATINA_DAEMON_PORT", "1")
    assert Config(home=tmp_path).daemon.port == 50051


def test_its_home_is_text_or_a_path_and_always_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert Config(home="./x").home == Config(home=Path("x")).home == tmp_path / "x"
    assert Config(home="~/x").home == Path("/home/ada/x")
    assert Config().home == Path("/home/ada/.patina")
    assert Config(home="x", model_cache="m").model_folder == tmp_path / "m"
    assert Config(home="x").model_folder == tmp_path / "x" / "cache" / "models"


def test_a_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    config = Config(home=tmp_path / "a" / "home")
    prepare_home(config)
    assert [mode(config.home), mode(config.data)] == [0o700, 0o700]
    assert config.cache.is_dir()
    prepare_home(config)  # again: nothing changes


def test_the_mode_of_a_home_that_exists_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    prepare_home(Config(home=tmp_path))
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "data") == 0o700


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(ConfigError, match=r"The home .* cannot be used.*PATINA_HOME"):
            prepare_home(Config(home=home))


def test_each_home_has_its_own_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, second = (socket_path(Config(home=tmp_path / name)) for name in ("one", "two"))
    assert first != second
    assert first.parent == second.parent == tmp_path / "patina"


def test_two_spellings_of_a_home_have_one_socket(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    assert socket_path(Config(home=tmp_path / "home")) == socket_path(Config(home=tmp_path / "link"))


@pytest.mark.parametrize("session", ["", "/nowhere/at/all"])
def test_without_a_session_directory_the_socket_is_in_tmp(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", session)
    assert socket_path(Config(home="/h")).parent == Path(f"/tmp/patina-{os.getuid()}")


def test_a_given_socket_is_taken_and_a_long_one_refused(tmp_path: Path) -> None:
    assert socket_path(load(home=tmp_path, env={"PATINA_SOCKET": "/run/p.sock"})) == Path("/run/p.sock")
    with pytest.raises(ConfigError, match=r"at most 104.*PATINA_SOCKET"):
        socket_path(Config(home=tmp_path, socket="/" + "s" * 104))


def test_show_masks_secrets_and_never_prints_them(tmp_path: Path) -> None:
    raw = {"remote": {"api_key": "geheim", "url": "https://x", "max_tokens": 5}}
    config = Config(home=tmp_path, key=Secret("geheim"), embedders=raw)
    shown = {row.key: row.value for row in rows(config)}
    assert shown["key"] == shown["embedders.remote.api_key"] == "***"
    assert (shown["embedders.remote.url"], shown["embedders.remote.max_tokens"]) == ("https://x", 5)
    assert "geheim" not in repr(config) + str(config) + repr(rows(config))


def test_show_has_every_setting_of_the_core_and_of_each_collection(tmp_path: Path) -> None:
    env = {"PATINA_COLLECTIONS_A_INDEX": "x", "PATINA_DEFAULTS_RRF_K": "5"}
    shown = {row.key: row for row in rows(load(home=tmp_path, env=env))}
    assert {"home", "auto_start", "daemon.port", "ingest.max_file_bytes", "plugins.only"} <= shown.keys()
    assert shown["home"].value == str(tmp_path)
    assert shown["collections.a.index"].origin == "environment PATINA_COLLECTIONS_A_INDEX"
    assert shown["collections.a.rrf_k"].origin == "environment PATINA_DEFAULTS_RRF_K"
    assert shown["collections.a.embedder"].origin == "default"
