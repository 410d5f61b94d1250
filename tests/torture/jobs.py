"""What children of the zygote do. Each gets its fields from a line of JSON."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from tests.torture import faults, history, look
from tests.torture.script import CHAPTER, Step, steps
from tests.torture.workload import CLIENT, Client, open_store

from patina.errors import PatinaError

LEFTOVERS, NOTHING_MERGED, NOT_MET, OPENED_LATER, RESTARTED, NOT_HEALED = range(3, 9)
"""Exit codes."""
REFUSALS = 6
PATIENCE_S = 3.0
PAUSE_S = 0.1


def write(
    home: str,
    notes: str,
    seed: int,
    count: int | None = None,
    fault: dict[str, Any] | None = None,
    stop_after: int | None = None,
) -> int:
    """Take the script's first `count` steps (None: go on for ever), and look at what is there.

    `fault` strikes on the way. After `stop_after` acknowledged checkpoints the process stops itself, and waits.
    """
    folder, notebook = Path(home), history.Notebook(Path(notes))
    if fault is not None:
        faults.Armed(folder, msgspec.convert(fault, faults.Fault), os.open(f"{notes}.met", os.O_WRONLY | os.O_CREAT))
    client = Client(folder, notebook)
    if stop_after is not None:
        client.on_acknowledged = _stopping(stop_after)
    client.take(islice(enumerate(steps(seed), start=1), count))
    notebook.note(look.seen(client.home, time.monotonic(), alive=True))
    client.home.close()
    return 0 if client.merged else NOTHING_MERGED


def recover(home: str, notes: str, seed: int = 0, count: int | None = None) -> int:
    """Open what a crash has left and look at it; with `count`, then go on with the script and look again."""
    folder, notebook = Path(home), history.Notebook(Path(notes))
    started = time.monotonic()
    client = Client(folder, notebook, first_op=_next_op(Path(notes)))
    _note(notebook, client, started)
    if count is not None:
        done = int(client.home.store.cursor("papers", CLIENT) or 0)
        client.take(islice(enumerate(steps(seed), start=1), done, count))
        _note(notebook, client, time.monotonic())
    client.home.close()
    left = look.leftovers(folder)
    notebook.note(history.Cut(how="closed", where=", ".join(left)))
    return LEFTOVERS if left else 0


def endure(home: str, notes: str, seed: int, fault: dict[str, Any]) -> int:
    """Take a chapter of the script while calls fail, then see that it goes on once they do not.

    The script does not restart by itself. Says, as exit code, whether the fault was met, and what was needed to go on.
    """
    folder, notebook = Path(home), history.Notebook(Path(notes))
    armed = faults.Armed(
        folder, msgspec.convert(fault, faults.Fault), os.open(f"{notes}.met", os.O_WRONLY | os.O_CREAT)
    )
    client = _opened(folder, notebook)
    if client is not None:
        script = islice(enumerate(steps(seed), start=1), CHAPTER)
        client.take(numbered for numbered in script if numbered[1].do != "reopen")
        notebook.note(look.read(client.home))
    met = armed.met
    armed.disarm()
    if client is None:
        return _healed(folder, notebook, Client(folder, notebook)) or OPENED_LATER
    return _healed(folder, notebook, client) if met else NOT_MET


def fill(home: str, notes: str, seed: int, ballast: str) -> int:
    """Write until the disk is full and has refused a few times, make room by removing `ballast`, and go on."""
    folder, notebook = Path(home), history.Notebook(Path(notes))
    client = Client(folder, notebook)
    for numbered in enumerate(steps(seed), start=1):
        if len(client.refusals) >= REFUSALS:
            break
        if numbered[1].do in {"write", "embed", "follow", "checkpoint"}:
            client.take([numbered])
    notebook.note(look.read(client.home))
    Path(ballast).unlink()
    return _healed(folder, notebook, client)


def generations(home: str, notes: str, seed: int) -> int:
    """A home whose index was saved twice; the first state is kept beside it as ``indexes.older``."""
    folder, notebook = Path(home), history.Notebook(Path(notes))
    client = Client(folder, notebook)
    script = enumerate(steps(seed), start=1)
    for count in (CHAPTER, CHAPTER // 2):
        client.take(islice(script, count))
        client.take([(0, Step("follow")), (0, Step("rest")), (0, Step("checkpoint"))])
        if not (folder / "indexes.older").exists():
            shutil.copytree(folder / "indexes", folder / "indexes.older")
    notebook.note(look.seen(client.home, time.monotonic(), alive=True))
    client.home.close()
    return 0


def migrate(home: str, notes: str, fault: dict[str, Any] | None = None) -> int:
    """Open a store, which brings an old one up to date, and look at what it holds."""
    folder, notebook = Path(home), history.Notebook(Path(notes))
    if fault is not None:
        faults.Armed(folder, msgspec.convert(fault, faults.Fault), os.open(f"{notes}.met", os.O_WRONLY | os.O_CREAT))
    started = time.monotonic()
    store = open_store(folder)
    repos = {one.name: history.Held(documents=look.plain(store, one.name)) for one in store.collections()}
    found = [f"{one.where}: {one.what}" for one in store.check(full=True)]
    store.close()
    took_s = round(time.monotonic() - started, 3)
    notebook.note(history.Seen(repos=repos, faults=found + look.leftovers(folder), took_s=took_s))
    return 0


def play(folder: str, notes: str, seed: int, examples: int, steps: int, bug: str = "") -> int:
    """Hypothesis against the store; 70, and the story on stderr, when it finds a fault."""
    from tests.torture import machine

    machine.play(Path(folder), Path(notes), history.Began(part="R6", seed=seed, bug=bug), examples, steps)
    return 0


def _opened(folder: Path, notebook: history.Notebook) -> Client | None:
    try:
        return Client(folder, notebook)
    except PatinaError as error:
        notebook.note(history.Refused(client=CLIENT, op=0, code=error.code, message=str(error)))
        return None


def _healed(folder: Path, notebook: history.Notebook, client: Client) -> int:
    """Write once more, at the latest after a restart, and look at everything."""
    live = _accepts(client)
    if not live:
        client.home.close()
        client = Client(folder, notebook, first_op=_next_op(notebook.path))
        if not _accepts(client):
            return NOT_HEALED
    notebook.note(look.seen(client.home, time.monotonic(), alive=True))
    client.home.close()
    return 0 if live else RESTARTED


def _accepts(client: Client) -> bool:
    """Whether writes are accepted again within a moment."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        refusals = len(client.refusals)
        client.take([(0, Step("write", puts={"probe": [f"{refusals} refusals so far"]}))])
        if len(client.refusals) == refusals:
            return True
        time.sleep(PAUSE_S)
    return False


def _note(notebook: history.Notebook, client: Client, started: float) -> None:
    notebook.note(look.seen(client.home, started))


def _next_op(notes: Path) -> int:
    return 1 + max((event.op for event in history.read(notes) if isinstance(event, history.Asked)), default=0)


def _stopping(after: int) -> Callable[[history.Asked], None]:
    left = after

    def count(asked: history.Asked) -> None:
        nonlocal left
        left -= asked.what == "checkpoint"
        if left == 0:
            left = -1
            os.kill(os.getpid(), signal.SIGSTOP)

    return count


JOBS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        "write": write,
        "recover": recover,
        "endure": endure,
        "fill": fill,
        "generations": generations,
        "migrate": migrate,
        "play": play,
    }
)
