"""One system at one size, measured in this process: `python -m benchmarks.store.cell fill|ask SYSTEM ...`.

Every figure is written to standard output as soon as it is known, a JSON object a line, so that a run that is cut off
has told what it knew. `fill` loads a new folder and closes it; `ask` opens it again, and asks.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.stopwatch import percentiles
from benchmarks.store.passages import Passages, Question
from benchmarks.store.system import System, system

HITS = 10
ROUNDS = 3
POLL_S = 0.01
PATIENCE_S = 1500.0
WARM_QUESTIONS = 20
MARK_CHARS = 300
RATE = 500
"""Passages a second that are written while questions are asked."""
BEATS = 5
"""Writes a second."""
THINK_S = 0.02
TIE = 1e-5


def main(words: list[str]) -> None:
    asked = _parser().parse_args(words)
    passages = Passages(asked.fixture)
    if asked.what == "fill":
        fill(system(asked.system), passages, asked)
    else:
        ask(passages, asked)


def fill(one: System, passages: Passages, asked: argparse.Namespace) -> None:
    tell(versions=" ".join(f"{name} {version(name)}" for name in one.packages))
    one.open(asked.folder)
    mark = _mark(passages, asked.size - 1)
    started, started_cpu = time.perf_counter(), time.process_time()
    for batch in passages.batches(0, asked.size, one.batch):
        one.load(batch)
    one.durable()
    tell(durable_s=time.perf_counter() - started)
    _await(lambda: mark.passage in one.by_words(mark, HITS))
    tell(words_s=time.perf_counter() - started)
    _await(lambda: mark.passage in one.by_meaning(mark, HITS))
    tell(meaning_s=time.perf_counter() - started)
    one.settle()
    tell(settled_s=time.perf_counter() - started, fill_cpu_s=time.process_time() - started_cpu)
    one.close()


def ask(passages: Passages, asked: argparse.Namespace) -> None:
    first, *_ = questions = passages.questions()
    # In other words than any question's: what has a vector by its text must not give this one's to a question.
    itself = Question(f"{first.text} {first.text}", np.array(passages.vectors[first.passage]), first.passage)
    nearest = passages.nearest(asked.size)
    bare = memory()
    one = system(asked.system)
    one.open(asked.folder)
    _await(lambda: one.hybrid(itself, HITS)[:1] == [itself.passage])
    tell(restart_s=time.monotonic() - asked.started)
    for question in questions[:WARM_QUESTIONS]:
        one.hybrid(question, HITS)
    _idle(one, questions)
    tell(**{f"{name}_bytes": now - bare[name] for name, now in memory().items()})
    found = [_near_enough(one, passages, question, near[-1]) for question, near in zip(questions, nearest, strict=True)]
    tell(recall=sum(found) / (HITS * len(questions)))
    _busy(one, passages, asked, questions)
    one.close()


def _idle(one: System, questions: list[Question]) -> None:
    started_cpu = time.process_time()
    times = [_timed(one, question) for question in questions * ROUNDS]
    cpu_ms = 1000 * (time.process_time() - started_cpu) / len(times)
    p50, p99 = percentiles(times)
    tell(idle_p50_ms=p50, idle_p99_ms=p99, idle_cpu_ms=cpu_ms)


def _busy(one: System, passages: Passages, asked: argparse.Namespace, questions: list[Question]) -> None:
    """Ask, with a moment to think, while somebody writes."""
    writing = _Writing(one, passages, asked.size, asked.seconds)
    times: list[float] = []
    writing.start()
    while writing.is_alive():
        times.append(_timed(one, questions[len(times) % len(questions)]))
        time.sleep(THINK_S)
    p50, p99 = percentiles(times)
    tell(busy_p50_ms=p50, busy_p99_ms=p99, busy_rate=writing.rate, busy_questions=len(times))


class _Writing(threading.Thread):
    """Five times a second a hundred passages, or as fast as the system takes them; `rate` is what it took."""

    def __init__(self, one: System, passages: Passages, first: int, seconds: float) -> None:
        super().__init__(name="writing", daemon=True)
        self.rate = 0.0
        self._one, self._seconds = one, seconds
        self._batches = passages.batches(first, first + round(RATE * seconds), RATE // BEATS)

    def run(self) -> None:
        started, written = time.perf_counter(), 0
        for batch in self._batches:
            self._one.load(batch)
            written += len(batch.vectors)
            spent = time.perf_counter() - started
            if spent > self._seconds:
                break
            time.sleep(max(0.0, written / RATE - spent))
        self.rate = written / (time.perf_counter() - started)


def _timed(one: System, question: Question) -> float:
    started = time.perf_counter()
    one.hybrid(question, HITS)
    return 1000 * (time.perf_counter() - started)


def _near_enough(one: System, passages: Passages, question: Question, tenth: int) -> int:
    """How many of ten answers are at least as near as the tenth nearest: of equal ones any will do."""
    numbers = one.by_meaning(question, HITS)
    least = passages.vectors[tenth] @ question.vector - TIE
    return sum(bool(near >= least) for near in passages.vectors[numbers] @ question.vector)


def _mark(passages: Passages, number: int) -> Question:
    """The beginning of one passage with its vector."""
    [*_, last] = passages.batches(number // 1000 * 1000, number + 1, 1000)
    return Question(last.texts[-1][:MARK_CHARS], last.vectors[-1], number)


def _await(seen: Callable[[], bool]) -> None:
    latest = time.perf_counter() + PATIENCE_S
    while not seen():
        if time.perf_counter() > latest:
            raise SystemExit("the right answer did not come")
        time.sleep(POLL_S)


def memory() -> dict[str, int]:
    """Resident bytes of this process: its own, and those of files that it has mapped."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[field].split()[0]) * 1024 for name, field in (("own", "RssAnon"), ("mapped", "RssFile"))}


def tell(**figures: float | str) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("fill", "ask"))
    parser.add_argument("system")
    parser.add_argument("size", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("fixture", type=Path)
    parser.add_argument("started", type=float, help="the monotonic clock when this process was started")
    parser.add_argument("seconds", type=float, help="how long to ask while somebody writes")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
