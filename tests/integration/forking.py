"""The command as a process of its own, without an interpreter's start each time.

Run as a program this has imported all that the command needs, and forks a child for each command line that it reads: a
line of JSON in, the exit code as a line out. The child has the environment, the folder, the output and the errors that
it is told, and nothing to read.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TIMEOUT_S = 90
OTHERS = (
    *("asyncio", "cyclopts.completion", "patina.client", "patina.engine", "patina.registry", "tokenizers"),
    *("patina_http.plugin", "patina_hybrid.index", "patina_onnx.plugin", "patina_unix.dialer"),
)
"""What commands import while they run; not onnxruntime, which starts a thread: a process with threads is not forked."""


class Forking:
    """Runs one command at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # it would have threads otherwise
        )

    def run(self, words: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; after 90 s a signal ends it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            told = {"words": words, "cwd": str(cwd), "env": dict(env), "out": out.name, "err": err.name}
            stdin.write(json.dumps(told) + "\n")
            stdin.flush()
            code = int(stdout.readline())
            return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._process.communicate()


def serve() -> None:
    """Until nobody asks any more."""
    from patina.cli._app import COMMANDS, GROUPS

    targets = [target.partition(":")[0] for target, _ in (*COMMANDS.values(), *GROUPS.values())]
    for module in (*targets, *OTHERS):
        import_module(module)
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        told = json.loads(line)
        pid = os.fork()
        if pid == 0:
            answers.close()
            become(**told)
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")


def become(words: list[str], cwd: str, env: dict[str, str], **files: Any) -> None:
    """Be the command, from here to the end of the process."""
    from patina.cli import main

    signal.alarm(TIMEOUT_S)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(files["out"], os.O_WRONLY | os.O_TRUNC), 1)
    os.dup2(os.open(files["err"], os.O_WRONLY | os.O_TRUNC), 2)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    code = main(words)
    sys.stderr.flush()
    os._exit(code)  # taking an interpreter down takes longer than the command


if __name__ == "__main__":
    serve()
