"""A deployer whose hosts are dictionaries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from patina.errors import NotFound, Refused
from patina.types import Check, Host, Plan, Release, Step, Target

Files = Mapping[str, bytes]
Place = tuple[str, str]  # a host's name and the folder on it


class FakeDeployer:
    """Ships the files of the folder `target.project` into memory, and keeps every release.

    `hosts` holds what is live: the files by host and folder. Write to it to play someone who edits on the host.
    """

    def __init__(self) -> None:
        self.hosts: dict[Place, dict[str, bytes]] = {}
        self._releases: dict[Place, list[tuple[Release, Files]]] = {}

    async def check(self, host: Host) -> list[Check]:
        return [Check(name="reachable", ok=True, detail=f"{host.address} is made of memory")]

    async def plan(self, target: Target) -> Plan:
        here, there = _read(target), self.hosts.get(_place(target), {})
        changed = [path for path in here if here[path] != there.get(path)]
        writes = [Step(what=f"write {path}", command=("write", path, _digest(here[path]))) for path in changed]
        removes = [Step(what=f"remove {path}", command=("remove", path)) for path in there if path not in here]
        return Plan(target=target, steps=(*writes, *removes))

    async def apply(self, plan: Plan) -> Release:
        here, place = _read(plan.target), _place(plan.target)
        live = dict(self.hosts.get(place, {}))
        for step in plan.steps:
            _perform(step.command, here, live)
        self.hosts[place] = live
        history = self._releases.setdefault(place, [])
        if not history or history[-1][1] != live:
            number = len(history) + 1
            history.append((Release(id=str(number), target=plan.target, deployed_at=float(number)), dict(live)))
        return history[-1][0]

    async def releases(self, target: Target) -> list[Release]:
        return [release for release, _ in reversed(self._releases.get(_place(target), []))]

    async def rollback(self, target: Target, release: str | None = None) -> Release:
        history = self._releases.get(_place(target), [])
        wanted = [entry for entry in history[:-1] if release in {None, entry[0].id}]
        if not wanted:
            raise NotFound(f"{target.project} has no earlier release {release or ''}".strip() + ".", param="release")
        restored, files = wanted[-1]
        history.append((restored, files))
        self.hosts[_place(target)] = dict(files)
        return restored

    async def pull(self, target: Target, into: Path) -> list[str]:
        live = self.hosts.get(_place(target), {})
        history = self._releases.get(_place(target), [])
        shipped = history[-1][1] if history else {}
        edited = sorted(path for path in live if live[path] != shipped.get(path))
        for path in edited:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(live[path])
        return edited


def _perform(command: tuple[str, ...], here: Files, live: dict[str, bytes]) -> None:
    match command:
        case ("write", path, digest):
            if _digest(here.get(path, b"")) != digest:
                raise Refused(f"{path} changed after the plan was made.", hint="Plan again.")
            live[path] = here[path]
        case ("remove", path):
            live.pop(path, None)


def _read(target: Target) -> dict[str, bytes]:
    root = Path(target.project)
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


def _place(target: Target) -> Place:
    return target.host.name, target.path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
