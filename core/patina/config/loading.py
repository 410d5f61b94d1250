"""From the world to a `Config`, and from a `Config` to its home on disk."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patina.config import environment
from patina.config.files import FILE_NAME, PROJECT_FOLDER, parsed, permitted
from patina.config.layers import Draft, Setting, flattened, parts
from patina.config.settings import Config
from patina.errors import ConfigError
from patina.places import checked_socket, default_socket, home_path


def load(
    *,
    home: str | Path | None = None,
    project: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    trust_project: bool = False,
) -> Config:
    """The configuration of a home: its file, a project's file, the environment, then `flags` (dotted keys).

    `project` is a folder whose `.patina/config.toml` is read; unless it is trusted only its [collections] and
    [defaults] count, and what is left out is in `notes`. A flag of None was not given.
    Raises one `ConfigError` that lists every problem.
    """
    env = os.environ if env is None else env
    here = Path()
    place = Path(home_path({"PATINA_HOME": str(home)} if home else env))
    draft = Draft(place)
    draft.origins["home"] = "flag" if home else "environment PATINA_HOME" if env.get("PATINA_HOME") else "default"
    _lay_file(draft, place / FILE_NAME, place)
    if project is not None and project / PROJECT_FOLDER != place:
        _lay_file(draft, project / PROJECT_FOLDER / FILE_NAME, project, only_permitted=not trust_project)
    variables = environment.patina_variables(env)
    collections = {name for section, name, _ in map(parts, draft.values) if section == "collections"}
    draft.problems += environment.problems(variables, collections)
    draft.variables = environment.for_plugins(variables)
    draft.lay(environment.settings(variables, collections, here))
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    draft.lay(Setting(key, value, "flag", here, text=True) for key, value in given.items())
    return draft.config()


def _lay_file(draft: Draft, path: Path, folder: Path, only_permitted: bool = False) -> None:
    try:
        settings = list(flattened(parsed(path), str(path), folder))
    except ConfigError as problem:
        draft.problems.append(problem.message)
        return
    draft.lay(permitted(settings, folder, draft.notes) if only_permitted else settings)


def socket_path(config: Config) -> Path:
    """Where this home's daemon listens: the configured socket, else the one named by the home.

    Raises `ConfigError` if the path is too long to bind.
    """
    if config.socket is not None:
        return Path(checked_socket(str(config.socket)))
    return Path(default_socket(str(config.home), os.environ))


def prepare_home(config: Config) -> None:
    """Make the home (0700), `data` (0700) and `cache` where they are missing. Raises `ConfigError`."""
    try:
        config.home.parent.mkdir(parents=True, exist_ok=True)
        for folder, mode in ((config.home, 0o700), (config.data, 0o700), (config.cache, 0o755)):
            folder.mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The home {config.home} cannot be used: {error.strerror} ({error.filename}).",
            hint="Choose another with PATINA_HOME.",
            param="home",
        ) from None
