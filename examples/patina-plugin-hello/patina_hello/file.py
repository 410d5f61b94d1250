"""The one file of an exact index: a checksum, then everything. What does not match its checksum is not believed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from patina.types import Seq, Stamp

CHECKSUM_BYTES = hashlib.sha256().digest_size


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    words: frozenset[str]
    vector: bytes = b""
    """Little-endian float32; empty while it is not known."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What an index holds, and how far it followed the log to get there."""

    stamp: Stamp
    seq: Seq = 0
    passages: dict[str, Passage] = {}


def load(file: Path) -> Held | None:
    """None when there is no such file or it is damaged."""
    if not file.exists():
        return None
    raw = file.read_bytes()
    checksum, body = raw[:CHECKSUM_BYTES], raw[CHECKSUM_BYTES:]
    return msgspec.msgpack.decode(body, type=Held) if hashlib.sha256(body).digest() == checksum else None


def save(file: Path, held: Held) -> None:
    """Whole or not at all: written beside, then renamed."""
    body = msgspec.msgpack.encode(held)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with beside.open("wb") as out:
        out.write(hashlib.sha256(body).digest() + body)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
