"""Every promise of the deployer contract, broken once: a suite that passes everything proves nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from patina.testing import DeployerContract, FakeDeployer
from patina.types import Check, Host, Plan, Release, Step, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from patina.protocols import Deployer


class Missing:
    """Can do nothing."""


class Sick(FakeDeployer):
    async def check(self, host: Host) -> list[Check]:
        return [*await super().check(host), Check(name="disk", ok=False)]


class Nosy(FakeDeployer):
    """Leaves something behind when it looks."""

    async def plan(self, target: Target) -> Plan:
        plan = await super().plan(target)
        (Path(target.project) / "seen").write_text("it was here")
        return plan


class Dated(FakeDeployer):
    """No plan is like the one before."""

    def __init__(self) -> None:
        super().__init__()
        self._number = itertools.count()

    async def plan(self, target: Target) -> Plan:
        plan = await super().plan(target)
        return msgspec.structs.replace(plan, steps=(*plan.steps, Step(what=f"note {next(self._number)}")))


class Idle(FakeDeployer):
    """Plans, and does none of it."""

    async def apply(self, plan: Plan) -> Release:
        return await super().apply(Plan(target=plan.target, steps=()))


class Absent(FakeDeployer):
    """Says that it released, and remembers nothing."""

    async def releases(self, target: Target) -> list[Release]:
        return []


class Stuck(FakeDeployer):
    """Rolls back in name only."""

    async def rollback(self, target: Target, release: str | None = None) -> Release:
        live = dict(self.hosts.get((target.host.name, target.path), {}))
        restored = await super().rollback(target, release)
        self.hosts[target.host.name, target.path] = live
        return restored


class Nearest(FakeDeployer):
    """Goes one release back, whichever was asked for, even where there is none."""

    async def rollback(self, target: Target, release: str | None = None) -> Release:
        if not await self.releases(target):
            return Release(id="0", target=target, deployed_at=0.0)
        return await super().rollback(target)


class Everything(FakeDeployer):
    """Pulls what was not edited."""

    async def pull(self, target: Target, into: Path) -> list[str]:
        await super().pull(target, into)
        return sorted(self.hosts[target.host.name, target.path])


CAUGHT: dict[Callable[[], object], tuple[str, ...]] = {
    Missing: ("test_it_has_every_method",),
    Sick: ("test_check_reports_named_probes",),
    Nosy: ("test_looking_changes_nothing",),
    Dated: ("test_a_plan_is_data_and_the_same_when_made_again",),
    Idle: ("test_applying_again_converges",),
    Absent: ("test_apply_does_what_was_planned", "test_a_changed_project_makes_a_new_release"),
    Stuck: ("test_rollback_restores_the_release_before",),
    Nearest: ("test_rollback_takes_a_name", "test_there_is_no_way_back_to_what_never_was"),
    Everything: ("test_pull_without_edits_brings_nothing", "test_pull_brings_edits_back"),
}


@pytest.mark.parametrize(("broken", "test"), [(broken, test) for broken, tests in CAUGHT.items() for test in tests])
def test_it_is_caught(broken: Callable[[], Deployer], test: str, run: Callable[[object, str], None]) -> None:
    one = broken()

    class Suite(DeployerContract):
        def deployer(self) -> Deployer:
            return one

        async def edit(self, deployer: Deployer, target: Target, path: str, content: bytes) -> None:
            assert isinstance(deployer, FakeDeployer)
            deployer.hosts[target.host.name, target.path][path] = content

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(Suite(), test)


def test_every_promise_can_be_broken() -> None:
    promises = {name for name in dir(DeployerContract) if name.startswith("test_")}
    assert {test for tests in CAUGHT.values() for test in tests} == promises
