"""The plugin keeps Patina's promises: every contract suite, and each piece at its own work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from patina.errors import Unsupported
from patina.protocols import Deployer
from patina.testing import (
    DeployerContract,
    DialerContract,
    DoorContract,
    EmbedderContract,
    FakeService,
    IndexContract,
    PluginContract,
)
from patina.types import Change, Host, Target
from patina_hello.exact import ExactIndex
from patina_hello.letters import LettersEmbedder
from patina_hello.line_dialer import LineDialer
from patina_hello.line_door import LineDoor
from patina_hello.settings import IndexSettings, LettersSettings, LineSettings, ShelfSettings
from patina_hello.shelf import ShelfDeployer


class TestPlugin(PluginContract):
    entry_point = "patina_hello.plugin"


class TestLetters(EmbedderContract):
    def embedder(self) -> LettersEmbedder:
        return LettersEmbedder(LettersSettings())


class TestExact(IndexContract):
    def index(self) -> ExactIndex:
        return ExactIndex(IndexSettings())


class TestLine(DoorContract, DialerContract):
    notices_hanging_up = False  # `echo 'ask …' | nc` has hung up before it reads the answer

    def door(self, folder: Path) -> LineDoor:
        return LineDoor(LineSettings(port=0))

    def dialer(self) -> LineDialer:
        return LineDialer()


class TestShelf(DeployerContract):
    def deployer(self) -> ShelfDeployer:
        return ShelfDeployer(ShelfSettings())

    async def edit(self, deployer: Deployer, target: Target, path: str, content: bytes) -> None:
        (Path(target.path) / "current" / path).write_bytes(content)


def test_a_misspelt_word_is_near_the_right_one() -> None:
    embedder = LettersEmbedder(LettersSettings())
    right, misspelt, other = embedder.embed(
        embedder.tokenize(["configuration", "confguration", "harbour lights"], "query")
    ).vectors
    assert np.dot(right, misspelt) > 2 * np.dot(right, other)


def test_the_index_refuses_what_is_too_much_for_it() -> None:
    index = ExactIndex(IndexSettings(max_passages=2))
    with pytest.raises(Unsupported, match="2 passages at most"):
        index.apply([Change(seq=n, op="put", id=str(n), text="one more") for n in (1, 2, 3)])


def test_a_person_can_speak_to_the_door() -> None:
    async def conversation() -> list[bytes]:
        async with LineDoor(LineSettings(port=0, max_line_bytes=1024)).listen(FakeService()) as [endpoint]:
            host, port = endpoint.address.split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b'ask {"op": "ping"}\nhello?\nask {"op": "pong"}\n' + b"x" * 5000 + b"\n")
            answers = [await reader.readline() for _ in range(4)]
            writer.close()
            return answers

    pong, verb, request, length = asyncio.run(conversation())
    assert pong.startswith(b'reply {"version":"0.1.0","pid":4711')
    assert b"A line begins with `ask` or `stream`." in verb
    assert b"invalid_request" in request
    assert b"too_large" in length


def test_the_shelf_keeps_as_many_releases_as_it_is_told(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    target = Target(project=str(project), host=Host(name="here", address="localhost"), path=str(tmp_path / "there"))

    async def deploy() -> list[str]:
        deployer = ShelfDeployer(ShelfSettings(keep_releases=2))
        for number in range(4):
            (project / "page.txt").write_text(f"edition {number}")
            await deployer.apply(await deployer.plan(target))
        return [release.id for release in await deployer.releases(target)]

    assert asyncio.run(deploy()) == ["4", "3"]
    assert (tmp_path / "there/current/page.txt").read_text() == "edition 3"
