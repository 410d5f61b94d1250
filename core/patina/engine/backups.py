"""All that is stored, as one file that is read while the store goes on being written."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import BinaryIO

from patina import wire
from patina.engine.desk import Handler, Rooms, Stream
from patina.errors import Failed
from patina.store import Store
from patina.wire import Event

PART_BYTES = 1 << 20
DIGEST_BYTES = 16
UNFINISHED = ".unfinished"


class Backups:
    """Streams consistent copies of the store."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._began = time.time()
        self.handlers: Mapping[type, Handler] = {}
        self.streams: Mapping[type, Stream] = {wire.Backup: self._backup}

    async def _backup(self, _: wire.Backup) -> AsyncIterator[Event]:
        run, store = self._rooms.run, self._rooms.store
        seq = await asyncio.wrap_future(await run(store.commit))
        whole = hashlib.blake2b(digest_size=DIGEST_BYTES)
        size = 0
        with await run(_copied, store, self._rooms.config.data, self._began) as file:
            while part := await run(file.read, PART_BYTES):
                whole.update(part)
                size += len(part)
                yield wire.BackupPart(data=part)
        yield wire.BackupDone(size=size, digest=whole.hexdigest(), seq=seq)


def _copied(store: Store, folder: Path, began: float) -> BinaryIO:
    """A copy of the store that has no name any more: it goes when it is closed, or when the process ends."""
    try:
        _remove_abandoned(folder, began)
        with tempfile.TemporaryDirectory(dir=folder, prefix="backup-", suffix=UNFINISHED) as place:
            copy = Path(place) / "patina.db"
            store.snapshot(copy)
            return copy.open("rb")
    except OSError as error:
        raise Failed(
            f"The store cannot be copied into {folder}: {error.strerror}.",
            hint="A backup needs as much room there as the store has, for as long as it runs.",
        ) from error


def _remove_abandoned(folder: Path, began: float) -> None:
    """Copies that were being made when an earlier process was killed."""
    for place in folder.glob(f"backup-*{UNFINISHED}"):
        if place.stat().st_mtime < began:
            shutil.rmtree(place, ignore_errors=True)
