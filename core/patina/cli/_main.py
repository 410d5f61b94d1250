"""The edge of the command line: from words to an exit code, and from any error to one sentence.

Exit codes are the errors' own (`patina.errors.OUTCOMES`). A reader that goes away (``patina … | head``) is no error.
"""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from patina.errors import Failed, InvalidRequest, PatinaError

INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line, by default the process's own; returns the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in words
    _speak_utf8()
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING, format="patina: %(message)s", stream=sys.stderr
    )
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except KeyboardInterrupt:
        return _say(Failed("Interrupted; what was committed is kept."), INTERRUPTED)
    except PatinaError as error:
        return _say(error, error.outcome.exit_code, debug)
    except OSError as error:
        return _say(Failed(_reason(error)), 1, debug)
    except Exception as error:
        unexpected = Failed(
            f"Something unexpected went wrong: {type(error).__name__}: {error}",
            hint="The same command with --debug shows where.",
        )
        return _say(unexpected, 1, debug)
    return code


def _run(words: list[str]) -> int:
    from cyclopts import CycloptsError

    from patina.cli._app import app_for

    app = app_for(words)
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        command = " ".join(["patina", *(error.command_chain or ())])
        raise InvalidRequest(_sentence(str(error)), hint=f"See '{command} --help'.") from None
    return code if isinstance(code, int) else 0


def _sentence(text: str) -> str:
    joined = " ".join(text.split())
    return joined if joined.endswith((".", "?", "!")) else f"{joined}."


def _reason(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}." if error.filename else f"{what}."


def _say(error: PatinaError, code: int, debug: bool = False) -> int:
    told = [traceback.format_exc()] if debug else []
    told.append(f"patina: {error.message}\n")
    if error.hint:
        told.append(f"  {error.hint}\n")
    sys.stderr.write(_masked("".join(told)))
    return code


def _masked(text: str) -> str:
    """Without what is secret in the environment, or looks it."""
    from patina.access.redaction import Redaction, secrets_in

    return Redaction(secrets_in(os.environ))(text)


def _speak_utf8() -> None:
    """Paths and passages hold whatever the world holds; a narrow locale must not make an error of that."""
    for stream in (sys.stdout, sys.stderr):
        _widen(stream)


def _widen(stream: TextIO) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _forget_stdout() -> None:
    """Nobody reads any more: let what is buffered vanish instead of failing once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
