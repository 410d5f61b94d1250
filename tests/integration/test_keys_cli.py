"""`patina key`, as a person uses it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import House


def test_a_key_is_shown_once_and_kept_nowhere(house: House) -> None:
    done = house.run("key", "create", "--label", "laptop", "--scope", "write", "--scope", "embed", "--expires", "30d")
    assert done.returncode == 0, done.stderr
    text = done.stdout.strip()
    assert text not in done.stderr
    secret = text.rpartition("_")[2]
    for file in house.home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    assert stat.S_IMODE((house.home / "data" / "keys.json").stat().st_mode) == 0o600

    (listed,) = house.json("key", "list")["keys"]
    assert listed["id"] == text.split("_")[1]
    assert listed["label"] == "laptop"
    assert listed["scopes"] == ["write", "embed"]
    assert listed["expires"] - listed["created"] == 30 * 86_400
    assert (listed["state"], listed["used"]) == ("live", None)
    shown = house.ok("key", "list")
    assert "laptop" in shown
    assert secret not in shown


def test_a_key_is_renamed_and_revoked(house: House) -> None:
    made = house.json("key", "create", "--label", "laptop", "--expires", "-1")
    assert made["scopes"] == ["read"]
    assert made["expires"] is None
    assert "desktop" in house.ok("key", "rename", made["id"], "desktop")
    assert "is revoked" in house.ok("key", "revoke", made["id"])
    (listed,) = house.json("key", "list")["keys"]
    assert (listed["label"], listed["state"]) == ("desktop", "revoked")
    lines = [json.loads(line) for line in (house.home / "logs" / "audit.log").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["create_key", "rename_key", "revoke_key"]
    assert {line["subject"] for line in lines} == {made["id"]}
    assert made["key"] not in (house.home / "logs" / "audit.log").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create",), 2, "--label"),
        (("create", "--label", "x", "--scope", "everything"), 2, "everything"),
        (("create", "--label", "x", "--expires", "soon"), 2, "soon"),
        (("create", "--label", "x", "--expires", "0"), 2, "at once"),
        (("revoke", "00000000"), 2, "00000000"),
    ],
)
def test_mistakes_are_told(house: House, words: tuple[str, ...], code: int, said: str) -> None:
    done = house.run("key", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert not done.stdout


def test_without_keys_the_list_says_so(house: House) -> None:
    assert "no keys" in house.ok("key", "list")
