"""Index some of the standard library and this project's documentation, then ask. Run by `make demo`.

    python examples/demo.py                    three questions
    python examples/demo.py "your question"    yours

Every command is shown before it runs, just as one would type it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
STDLIB = Path(sysconfig.get_path("stdlib"))
QUESTIONS = [
    "How do I rotate a log file when it reaches a maximum size?",
    "Which class dumps a database as a script of SQL statements?",
    "Can a linter tell me whether my web framework obeys the gateway contract?",
]


def main(questions: list[str]) -> int:
    with (PROJECT / "benchmarks" / "questions.toml").open("rb") as file:
        packages = tomllib.load(file)["packages"]
    try:
        patina("index", "--name", "stdlib", *(str(STDLIB / package) for package in packages))
        patina("index", "--name", "patina-docs", str(PROJECT / "docs"))
        for question in questions or QUESTIONS:
            patina("scry", question, "--limit", "3", "--all-repos")
    except subprocess.CalledProcessError as error:
        return error.returncode
    finally:
        subprocess.run([command(), "daemon", "stop"], check=False, capture_output=True)
    print('\nAsk more: make demo Q="How do I parse a date with a time zone?"')
    return 0


def patina(*arguments: str) -> None:
    print("\n$ patina", *(shown(argument) for argument in arguments), flush=True)
    subprocess.run([command(), *arguments], check=True)


def shown(argument: str) -> str:
    """As a person would type it, with the standard library's folder as a variable."""
    return shlex.quote(argument).replace(str(STDLIB), "$STDLIB")


def command() -> str:
    beside = Path(sys.executable).with_name("patina")
    return str(beside) if beside.exists() else shutil.which("patina") or "patina"


if __name__ == "__main__":
    os.environ.setdefault("PATINA_HOME", str(PROJECT / ".demo"))
    sys.exit(main(sys.argv[1:]))
