"""What every deployer promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest

from patina.errors import NotFound, PatinaError, Unsupported
from patina.protocols import Deployer
from patina.testing.contracts._within import within
from patina.types import Host, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Awaitable

LIMIT_S = 300.0
T = TypeVar("T")


class DeployerContract(ABC):
    """Subclass it, and return the deployer under test from `deployer`.

    Override `target` for a deployer that needs a real host, and `edit` to let `pull` be tested. What the deployer
    raises `Unsupported` for is skipped; `check`, `plan` and `apply` must be there.
    """

    @abstractmethod
    def deployer(self) -> Deployer: ...

    def target(self, project: Path, folder: Path) -> Target:
        """The project in folder `project`, to be shipped to `folder`."""
        return Target(project=str(project), host=Host(name="here", address="localhost"), path=str(folder))

    async def edit(self, deployer: Deployer, target: Target, path: str, content: bytes) -> None:
        """Change a shipped file where it lies, as someone on the host would."""
        raise Unsupported(f"Nobody said how {type(deployer).__name__} is edited: {target.path}/{path}, {content!r}.")

    def test_it_has_every_method(self) -> None:
        assert isinstance(self.deployer(), Deployer)

    @within(LIMIT_S)
    async def test_check_reports_named_probes(self, tmp_path: Path) -> None:
        target = self._project(tmp_path)
        checks = await self.deployer().check(target.host)
        assert checks
        assert all(check.name for check in checks)
        assert all(check.ok for check in checks), checks

    @within(LIMIT_S)
    async def test_looking_changes_nothing(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        before = _tree(tmp_path)
        await deployer.check(target.host)
        await deployer.plan(target)
        assert _tree(tmp_path) == before
        assert await _supported(deployer.releases(target)) == []

    @within(LIMIT_S)
    async def test_a_plan_is_data_and_the_same_when_made_again(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        plan = await deployer.plan(target)
        assert plan.target == target
        assert plan.steps
        assert all(step.what for step in plan.steps)
        assert await deployer.plan(target) == plan
        assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan

    @within(LIMIT_S)
    async def test_apply_does_what_was_planned(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        release = await deployer.apply(await deployer.plan(target))
        assert release.id
        assert release.target == target
        assert [entry.id for entry in await _supported(deployer.releases(target))] == [release.id]

    @within(LIMIT_S)
    async def test_applying_again_converges(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        plan = await deployer.plan(target)
        first = await deployer.apply(plan)
        assert (await deployer.plan(target)).steps == (), "after a deploy there is nothing left to do"
        assert (await deployer.apply(plan)).id == first.id
        assert (await deployer.apply(await deployer.plan(target))).id == first.id

    @within(LIMIT_S)
    async def test_a_changed_project_makes_a_new_release(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        first = await deployer.apply(await deployer.plan(target))
        _change(target)
        plan = await deployer.plan(target)
        assert plan.steps
        second = await deployer.apply(plan)
        assert second.id != first.id
        assert [entry.id for entry in await _supported(deployer.releases(target))] == [second.id, first.id]

    @within(LIMIT_S)
    async def test_rollback_restores_the_release_before(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        first = await deployer.apply(await deployer.plan(target))
        _change(target)
        await deployer.apply(await deployer.plan(target))
        changed = (await deployer.plan(target)).steps
        assert (await _supported(deployer.rollback(target))).id == first.id
        assert (await deployer.plan(target)).steps != changed, "the project is ahead of what is live again"

    @within(LIMIT_S)
    async def test_rollback_takes_a_name(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        first = await deployer.apply(await deployer.plan(target))
        for _ in range(2):
            _change(target)
            await deployer.apply(await deployer.plan(target))
        assert (await _supported(deployer.rollback(target, first.id))).id == first.id

    @within(LIMIT_S)
    async def test_there_is_no_way_back_to_what_never_was(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        for release in (None, "never"):
            with pytest.raises((NotFound, Unsupported)):
                await deployer.rollback(target, release)

    @within(LIMIT_S)
    async def test_pull_without_edits_brings_nothing(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        await deployer.apply(await deployer.plan(target))
        into = tmp_path / "into"
        into.mkdir()
        assert await _supported(deployer.pull(target, into)) == []
        assert _tree(into) == {}

    @within(LIMIT_S)
    async def test_pull_brings_edits_back(self, tmp_path: Path) -> None:
        target, deployer = self._project(tmp_path), self.deployer()
        await deployer.apply(await deployer.plan(target))
        await _supported(self.edit(deployer, target, "src/app.py", b"print('edited there')\n"))
        into = tmp_path / "into"
        into.mkdir()
        assert await _supported(deployer.pull(target, into)) == ["src/app.py"]
        assert (into / "src/app.py").read_bytes() == b"print('edited there')\n"

    def _project(self, tmp_path: Path) -> Target:
        project = tmp_path / "project"
        (project / "src").mkdir(parents=True)
        (project / "compose.yaml").write_text("services: {}\n")
        (project / "src/app.py").write_text("print('one')\n")
        return self.target(project, tmp_path / "there")


def _change(target: Target) -> None:
    app = Path(target.project) / "src/app.py"
    app.write_text(app.read_text() + "print('one more')\n")


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


async def _supported(doing: Awaitable[T]) -> T:
    """What is unsupported is skipped, any other error is a failure."""
    try:
        return await doing
    except Unsupported as error:
        pytest.skip(str(error))
    except PatinaError as error:
        raise AssertionError(str(error)) from error
