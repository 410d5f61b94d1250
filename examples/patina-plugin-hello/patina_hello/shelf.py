"""A deployer whose hosts are folders of this machine.

there/current            a link to the release that is live
there/releases/2/        its files
there/releases/2.json    what was shipped: by comparing with it, `pull` sees what was edited since
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from pathlib import Path

import msgspec

from patina.errors import NotFound, Refused
from patina.types import Check, Host, Plan, Release, Step, Target
from patina_hello.settings import ShelfSettings

Tree = dict[str, str]
"""Files by relative path, each with the sha256 of its content."""


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """The record beside a release."""

    release: Release
    tree: Tree


class ShelfDeployer:
    """Its methods wait for the disk, so each does its work in a thread."""

    def __init__(self, settings: ShelfSettings) -> None:
        self._keep_releases = settings.keep_releases

    async def check(self, host: Host) -> list[Check]:
        here = host.address in {"localhost", "127.0.0.1"}
        free_mb = (await asyncio.to_thread(shutil.disk_usage, "/")).free >> 20
        return [
            Check(name="here", ok=here, detail="this machine" if here else f"{host.address} is not this machine"),
            Check(name="room", ok=free_mb > 0, detail=f"{free_mb} MB free"),
        ]

    async def plan(self, target: Target) -> Plan:
        return await asyncio.to_thread(_plan, target)

    async def apply(self, plan: Plan) -> Release:
        return await asyncio.to_thread(_apply, plan, self._keep_releases)

    async def releases(self, target: Target) -> list[Release]:
        return [shipped.release for shipped in await asyncio.to_thread(_history, target)]

    async def rollback(self, target: Target, release: str | None = None) -> Release:
        return await asyncio.to_thread(_rollback, target, release)

    async def pull(self, target: Target, into: Path) -> list[str]:
        return await asyncio.to_thread(_pull, target, into)


def _plan(target: Target) -> Plan:
    here, there = _tree(Path(target.project)), _tree(_current(target))
    copies = [
        Step(what=f"copy {path}", command=("copy", path, here[path])) for path in here if _differs(path, here, there)
    ]
    removals = [Step(what=f"remove {path}", command=("remove", path)) for path in there if path not in here]
    return Plan(target=target, steps=(*copies, *removals))


def _apply(plan: Plan, keep_releases: int) -> Release:
    """Build the new release beside the live one, then switch over in one step."""
    target, history = plan.target, _history(plan.target)
    there = _tree(_current(target))
    wanted = _carried_out(plan, there)
    if history and wanted == there:
        return _live(target, history).release
    number = str(1 + max((int(shipped.release.id) for shipped in history), default=0))
    sources = {path: Path(target.project) if _differs(path, wanted, there) else _current(target) for path in wanted}
    for path, source in sources.items():
        copy = _releases(target) / number / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, copy)
    release = Release(id=number, target=target, deployed_at=time.time())
    record = msgspec.json.encode(Shipped(release=release, tree=wanted))
    (_releases(target) / f"{number}.json").write_bytes(record)
    _switch(target, number)
    for old in history[keep_releases - 1 :]:
        shutil.rmtree(_releases(target) / old.release.id)
        (_releases(target) / f"{old.release.id}.json").unlink()
    return release


def _carried_out(plan: Plan, there: Tree) -> Tree:
    """The tree after the plan's steps. Raises `Refused` if the project is no longer what was planned with."""
    here, wanted = _tree(Path(plan.target.project)), dict(there)
    for step in plan.steps:
        match step.command:
            case ("copy", path, digest):
                if here.get(path) != digest:
                    raise Refused(f"{path} has changed since the plan was made.", hint="Plan again.")
                wanted[path] = digest
            case ("remove", path):
                wanted.pop(path, None)
    return wanted


def _rollback(target: Target, release: str | None) -> Release:
    history = _history(target)
    if not history:
        raise NotFound(f"Nothing of {target.project} is in {target.path}.", param="release")
    live = int(_live(target, history).release.id)
    for shipped in history:
        if shipped.release.id == release or (release is None and int(shipped.release.id) < live):
            _switch(target, shipped.release.id)
            return shipped.release
    known = ", ".join(shipped.release.id for shipped in history)
    raise NotFound(f"There is no release {release or f'before {live}'}.", hint=f"There is: {known}.", param="release")


def _pull(target: Target, into: Path) -> list[str]:
    history = _history(target)
    if not history:
        raise NotFound(f"Nothing of {target.project} is in {target.path}.", hint="Deploy it first.", param="target")
    there, shipped = _tree(_current(target)), _live(target, history).tree
    edited = [path for path in there if _differs(path, there, shipped)]
    for path in edited:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(_current(target) / path, into / path)
    return edited


def _tree(folder: Path) -> Tree:
    """Empty where there is no folder; links are not followed out of it."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _differs(path: str, one: Tree, other: Tree) -> bool:
    return one[path] != other.get(path)


def _history(target: Target) -> list[Shipped]:
    """Newest first."""
    records = [msgspec.json.decode(file.read_bytes(), type=Shipped) for file in _releases(target).glob("*.json")]
    return sorted(records, key=lambda shipped: -int(shipped.release.id))


def _live(target: Target, history: list[Shipped]) -> Shipped:
    number = _current(target).resolve().name
    return next(shipped for shipped in history if shipped.release.id == number)


def _switch(target: Target, number: str) -> None:
    """A link cannot be changed, but another can be put in its place."""
    link = Path(target.path) / "next"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / number, target_is_directory=True)
    link.replace(_current(target))


def _current(target: Target) -> Path:
    return Path(target.path) / "current"


def _releases(target: Target) -> Path:
    return Path(target.path) / "releases"
