"""The files of a configuration: the user's, and a project's with what it may say."""

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from patina.config.layers import Setting, parts
from patina.errors import ConfigError
from patina.places import DEFAULT_HOME, absolute

FILE_NAME = "config.toml"
PROJECT_FOLDER = ".patina"
_MAX_FILE_BYTES = 1_000_000
_OF_A_PROJECT = ("collections", "defaults")


def parsed(path: Path) -> dict[str, Any]:
    """A TOML file's tables; empty if there is no such file. Raises `ConfigError` naming the file and the line."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
        if len(raw) > _MAX_FILE_BYTES:
            raise ConfigError(f"{path} is larger than the {_MAX_FILE_BYTES:,} bytes that a configuration may have.")
        text = raw.decode()
        return tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: byte {error.start} is wrong.") from None
    except RecursionError:
        raise ConfigError(f"{path} nests its values too deeply.") from None
    except ValueError as error:  # tomllib's own, and Python's for a number of too many digits
        raise ConfigError(_syntax(path, text, str(error))) from None


def _syntax(path: Path, text: str, complaint: str) -> str:
    """tomllib's complaint with the line that it means."""
    lines = text.splitlines() or [""]
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", complaint)
    number = int(found.group(1) or len(lines)) if found else len(lines)
    what = complaint[: found.start()] if found else complaint
    line = lines[min(number, len(lines)) - 1].strip()[:80]
    return f"{path}, line {number}: {what[:1].lower()}{what[1:]}, found: {line}"


def find_project(start: Path, home: Path | None = None) -> Path | None:
    """The nearest folder at or above `start` that holds a `.patina` folder or is a git work tree; None without one.

    A home (`home`, $PATINA_HOME, ~/.patina) does not make the folder around it a project.
    """
    named = (home, os.environ.get("PATINA_HOME"), DEFAULT_HOME)
    homes = {Path(absolute(str(place))).resolve() for place in named if place}
    start = start.absolute()
    for folder in (start, *start.parents):
        if _marks_project(folder, homes):
            return folder
    return None


def _marks_project(folder: Path, homes: set[Path]) -> bool:
    mark = folder / PROJECT_FOLDER
    try:
        return (mark.is_dir() and mark.resolve() not in homes) or (folder / ".git").exists()
    except PermissionError:
        return False


def permitted(settings: Iterable[Setting], project: Path, notes: list[str]) -> list[Setting]:
    """What a project that one merely stands in may say; each thing left out is noted.

    A cloned repository must not configure its reader's daemon, nor point a collection at files outside itself.
    """
    taken = []
    for setting in settings:
        section, _, field = parts(setting.key)
        if section not in _OF_A_PROJECT:
            notes.append(
                f"Ignored {setting.key} in {setting.origin}: a project's file may set only "
                f"[collections] and [defaults]; put it into the {FILE_NAME} of your home."
            )
        elif field == "root" and not _inside(setting.value, project):
            notes.append(f"Ignored {setting.key} in {setting.origin}: it leads out of the project.")
        else:
            taken.append(setting)
    return taken


def _inside(root: object, project: Path) -> bool:
    if not isinstance(root, str) or "\0" in root:
        return True  # refused as a value later
    return Path(absolute(root, str(project))).resolve().is_relative_to(project.resolve())
