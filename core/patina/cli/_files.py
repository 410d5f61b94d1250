"""Files that a command line names: written here, by whoever typed it, and seen from where they stood."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from patina.durable import sync, sync_folder
from patina.errors import Failed, InvalidRequest


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` once all is written and safe on the disk.

    A device or a pipe is written to as it is: nothing can take its place. Raises `InvalidRequest` for a path that
    cannot be one, `Failed` when the disk does not take it: then what was there is there still.
    """
    path = path.absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidRequest(f"{path} cannot be written: it is a folder, or its folder is missing.", param="output")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
        else:
            with _beside(path.resolve()) as file:
                yield file
    except OSError as error:
        raise Failed(
            f"{path} could not be written: {error.strerror or error}.",
            hint="Nothing was changed: if there was such a file, it is as it was.",
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file  # type: ignore[misc]
            file.flush()
            sync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


def agreed(question: str, *, yes: bool, without: str) -> None:
    """Have a person agree to what cannot be taken back. Raises `InvalidRequest` if they do not.

    Where nobody can be asked only `yes` agrees; `without` says what it would agree to.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidRequest(without, hint="Say --yes.", param="yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise InvalidRequest("Nothing was changed.", param="yes")
