"""What a project may say, and which folder is one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from patina.config import find_project, load
from patina.errors import ConfigError

Write = Callable[[str], Path]

GREEDY = """
key = "mine now"
[daemon]
host = "0.0.0.0"
port = 1
[plugins]
block = ["onnx"]
[embedders.onnx]
model = "/tmp/evil"
[deploy]
target = "x"
[defaults]
chunk_tokens = 99
[collections.docs]
root = "docs"
"""


def test_a_project_sets_its_collections_and_defaults_and_nothing_else(
    home: Path, project: Path, project_file: Write
) -> None:
    path = project_file(GREEDY)
    config = load(home=home, project=project, env={})
    assert config.defaults.chunk_tokens == config.pipeline("docs").chunk_tokens == 99
    assert config.pipeline("docs").root == str(project / "docs")
    assert (config.daemon.host, config.daemon.port, config.key) == ("127.0.0.1", 50051, None)
    assert config.plugins.block == []
    assert config.embedders == {}
    ignored = [note.split()[1] for note in config.notes]
    assert ignored == ["key", "daemon.host", "daemon.port", "plugins.block", "embedders.onnx.model", "deploy"]
    assert all(str(path) in note and "[collections] and [defaults]" in note for note in config.notes)


def test_a_trusted_project_sets_everything(home: Path, project: Path, project_file: Write) -> None:
    project_file('[daemon]\nport = 1\n[embedders.onnx]\nmodel = "m"')
    config = load(home=home, project=project, env={}, trust_project=True)
    assert (config.daemon.port, config.embedders, config.notes) == (1, {"onnx": {"model": "m"}}, [])


@pytest.mark.parametrize("root", ["..", "../other", "/etc", "~/.ssh", "docs/../.."])
def test_a_project_cannot_point_a_collection_at_files_outside_itself(
    home: Path, project: Path, project_file: Write, root: str
) -> None:
    project_file(f'[collections.docs]\nroot = "{root}"')
    config = load(home=home, project=project, env={})
    assert config.pipeline("docs").root is None
    assert "leads out of the project" in config.notes[0]


def test_nor_through_a_link(home: Path, project: Path, project_file: Write) -> None:
    project_file('[collections.docs]\nroot = "link"')
    (project / "link").symlink_to("/etc")
    assert load(home=home, project=project, env={}).pipeline("docs").root is None


def test_a_mistake_in_what_a_project_may_say_is_an_error(home: Path, project: Path, project_file: Write) -> None:
    project_file("[defaults]\nchunk_token = 5")
    with pytest.raises(ConfigError, match=r"Did you mean defaults\.chunk_tokens"):
        load(home=home, project=project, env={})


def test_a_home_inside_the_project_is_read_once_and_trusted(tmp_path: Path) -> None:
    home = tmp_path / ".patina"
    home.mkdir()
    (home / "config.toml").write_text("[daemon]\nport = 1")
    config = load(home=home, project=tmp_path, env={})
    assert (config.daemon.port, config.notes) == (1, [])


@pytest.mark.parametrize("mark", [".patina", ".git"])
def test_the_nearest_marked_folder_is_the_project(tmp_path: Path, mark: str) -> None:
    (tmp_path / "outer" / ".git").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / mark).mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "deep").mkdir()
    assert find_project(tmp_path / "outer" / "inner" / "deep") == tmp_path / "outer" / "inner"
    assert find_project(tmp_path / "outer") == tmp_path / "outer"


def test_a_git_worktree_is_a_project(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /elsewhere")
    assert find_project(tmp_path) == tmp_path


def test_a_home_makes_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".patina").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "set" / ".patina").mkdir(parents=True)
    (tmp_path / "given" / ".patina").mkdir(parents=True)
    monkeypatch.setenv("PATINA_HOME", str(tmp_path / "set" / ".patina"))
    outside = find_project(tmp_path.parent)  # whatever holds the temporary folder
    assert find_project(tmp_path / "work") == outside
    assert find_project(tmp_path / "set") == outside
    assert find_project(tmp_path / "given", home=tmp_path / "given" / ".patina") == outside
