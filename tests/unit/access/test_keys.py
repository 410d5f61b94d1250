"""Keys: what is kept of them, whom they let in, and that no change is lost or seen late."""

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from patina.access import Key, KeyRing
from patina.access.ring import MAX_KEYS
from patina.errors import Corrupt, Denied, Failed, InvalidRequest, NotFound, Refused


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "data")


def rewrite(ring: KeyRing, **fields: object) -> None:
    """Put other values into the one key of the file, as if time had passed."""
    content = json.loads(ring.path.read_bytes())
    content["keys"][0] |= fields
    ring.path.write_text(json.dumps(content))


def test_a_key_is_found_by_its_text_and_by_nothing_else(ring: KeyRing) -> None:
    key, text = ring.create("build", ("write", "embed"), 60.0)
    assert re.fullmatch(r"pat_[0-9a-f]{8}_[0-9a-f]{48}", text.reveal())
    assert ring.find(text.reveal()) == key
    assert key.scopes == ("write", "embed")
    other, _ = ring.create("other", ("read",))
    stolen = text.reveal().replace(key.id, other.id)
    for wrong in ("", "pat_", text.reveal()[:-1], text.reveal() + "0", text.reveal().upper(), stolen, "pät"):
        with pytest.raises(Denied):
            ring.find(wrong)


def test_a_typing_mistake_is_known_without_looking_anything_up(ring: KeyRing) -> None:
    _, text = ring.create("build", ("read",))
    mistyped = text.reveal()[:20] + ("0" if text.reveal()[20] != "0" else "1") + text.reveal()[21:]
    with pytest.raises(Denied, match="typing mistake"):
        KeyRing(Path("/nowhere")).find(mistyped)


def test_what_is_kept_lets_nobody_in(ring: KeyRing) -> None:
    _, text = ring.create("build", ("read",))
    secret = text.reveal().rpartition("_")[2]
    for file in ring.path.parent.iterdir():
        assert secret not in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.path.parent.stat().st_mode) == 0o700


def test_a_key_ends_when_it_is_revoked_and_when_its_time_is_up(ring: KeyRing) -> None:
    key, text = ring.create("build", ("read",), 60.0)
    rewrite(ring, expires=key.created - 1)
    with pytest.raises(Denied, match="expired"):
        ring.find(text.reveal())
    assert not ring.has_live()
    rewrite(ring, expires=None)
    assert ring.has_live()
    ring.revoke(key.id)
    with pytest.raises(Denied, match="revoked"):
        ring.find(text.reveal())
    assert [each.state() for each in ring.known()] == ["revoked"]


def test_another_process_is_seen_at_once(ring: KeyRing) -> None:
    assert not ring.has_live()
    elsewhere = KeyRing(ring.path.parent)
    key, text = elsewhere.create("build", ("read",))
    assert ring.find(text.reveal()).id == key.id
    elsewhere.rename(key.id, "nightly build")
    assert ring.find(text.reveal()).label == "nightly build"
    elsewhere.revoke(key.id)
    with pytest.raises(Denied):
        ring.find(text.reveal())


def test_no_change_is_lost_among_several_processes(ring: KeyRing) -> None:
    program = (
        "import sys; from pathlib import Path; from patina.access import KeyRing\n"
        "ring = KeyRing(Path(sys.argv[1]))\n"
        "[ring.create(f'{sys.argv[2]}-{n}', ('read',)) for n in range(5)]"
    )
    command = [sys.executable, "-c", program, str(ring.path.parent)]
    processes = [subprocess.Popen([*command, name]) for name in "abc"]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: ring.create(f"t-{number}", ("read",)), range(8)))
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len({key.label for key in ring.known()}) == 23


def test_use_is_written_down_once_a_minute(ring: KeyRing) -> None:
    key, text = ring.create("build", ("read",))
    assert ring.use_is_due(key)
    assert not ring.use_is_due(key)
    ring.note_use(key)
    used = ring.find(text.reveal())
    assert used.used is not None
    assert not KeyRing(ring.path.parent).use_is_due(used)
    rewrite(ring, used=used.used - 61)
    assert KeyRing(ring.path.parent).use_is_due(ring.find(text.reveal()))


def test_use_does_not_bring_a_revoked_key_back(ring: KeyRing) -> None:
    key, text = ring.create("build", ("read",))
    KeyRing(ring.path.parent).revoke(key.id)
    ring.note_use(key)
    with pytest.raises(Denied):
        ring.find(text.reveal())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_or_write_is_refused(ring: KeyRing, mode: int) -> None:
    _, text = ring.create("build", ("read",))
    ring.find(text.reveal())
    ring.path.chmod(mode)
    with pytest.raises(Refused, match="may read") as refused:
        ring.find(text.reveal())
    assert "chmod 600" in refused.value.hint
    with pytest.raises(Refused):
        ring.create("another", ("read",))


def test_a_link_or_a_pipe_in_its_place_is_refused(ring: KeyRing, tmp_path: Path) -> None:
    ring.create("build", ("read",))
    elsewhere = ring.path.replace(tmp_path / "elsewhere")
    ring.path.symlink_to(elsewhere)
    with pytest.raises(Refused):
        ring.known()
    ring.path.unlink()
    os.mkfifo(ring.path, 0o600)
    with pytest.raises(Refused):
        ring.known()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"keys": [{}]}', b'{"keys": [], "other": 1}', b"\xff"])
def test_a_damaged_file_lets_nobody_in(ring: KeyRing, content: bytes) -> None:
    _, text = ring.create("build", ("admin",))
    ring.path.write_bytes(content)
    with pytest.raises(Corrupt):
        KeyRing(ring.path.parent).find(text.reveal())
    with pytest.raises(Corrupt):
        ring.create("another", ("read",))
    assert ring.path.read_bytes() == content


def test_there_is_room_for_so_many(ring: KeyRing) -> None:
    ring.create("first", ("read",))
    (first,) = ring.known()
    many = [msgspec.structs.replace(first, id=f"{number:08x}") for number in range(MAX_KEYS)]
    ring.path.write_bytes(msgspec.json.encode({"keys": many}))
    with pytest.raises(Failed, match="1000 keys"):
        ring.create("too many", ("read",))
    ring.revoke("00000007")
    key, _ = ring.create("in its place", ("read",))
    ids = {each.id for each in ring.known()}
    assert key.id in ids
    assert "00000007" not in ids


def test_mistakes_are_named(ring: KeyRing) -> None:
    with pytest.raises(InvalidRequest, match="label"):
        ring.create("", ("read",))
    with pytest.raises(InvalidRequest, match="label"):
        ring.create("a\nb", ("read",))
    with pytest.raises(InvalidRequest, match="scope"):
        ring.create("x", ())
    with pytest.raises(NotFound, match="00000000"):
        ring.revoke("00000000")


def test_comparison_does_not_depend_on_where_texts_differ() -> None:
    """Told by the code and not by a clock: the comparison is the standard library's for this purpose."""
    assert "compare_digest" in Key.is_of.__code__.co_names
