"""A process that has everything imported and forks a child for each job: a start costs milliseconds, not half a second.

Run as a program it reads jobs as lines of JSON, and answers each with the child's process id, then with how it ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

PROJECT = Path(__file__).parents[2]
SOURCE_ROOMS = ("core", "plugins/indexes")
SOURCE = "TORTURE_SOURCE"
POLL_S = 0.002
PATIENCE_S = 60.0


class Child:
    """A job under way."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self._zygote = zygote
        self.pid = pid

    def ended(self) -> int:
        """Wait for its end: an exit code, or the negative number of the signal that ended it."""
        return self._zygote.answer()

    def stopped(self) -> bool:
        """Wait until it has been stopped by a signal (True) or has ended (False)."""
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state in "Tt":
                return True
            if state in "ZX":
                return False
            time.sleep(POLL_S)
        raise TimeoutError(f"process {self.pid} neither stopped nor ended")


class Zygote:
    """One at a time: a second job is started when the first has ended."""

    def __init__(self, errors: Path, source: Path | None = None) -> None:
        """Its stderr is added to a file. `source` is a copy of this project whose code is used instead of its own."""
        self._errors = errors.open("ab")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
        environment["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads must not be forked
        paths = [str(source / room) for room in SOURCE_ROOMS] if source else []
        paths += [str(PROJECT), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        environment[SOURCE] = str(source or "")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )
        self.answer()

    def start(self, job: str, **fields: Any) -> Child:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(msgspec.json.encode({"job": job, **fields}, enc_hook=str) + b"\n")
        stdin.flush()
        return Child(self, self.answer())

    def run(self, job: str, **fields: Any) -> int:
        return self.start(job, **fields).ended()

    def answer(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process that forks has ended; see {self._errors.name!r}")
        return int(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def serve() -> None:
    """Until whoever started it is gone."""
    from tests.torture import jobs

    import patina

    if not str(patina.__file__).startswith(os.environ[SOURCE]):
        raise RuntimeError(f"{patina.__file__} is not the code to be tested")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write("0\n")
    for line in sys.stdin:
        fields = msgspec.json.decode(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_guarded(jobs.JOBS[fields.pop("job")], fields))
        answers.write(f"{pid}\n")
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")


def _guarded(job: Any, fields: dict[str, Any]) -> int:
    """The exit code of a job: what it returns, or 70 for an error, which is written to stderr."""
    import traceback

    try:
        return int(job(**fields) or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stderr.flush()


if __name__ == "__main__":
    serve()
