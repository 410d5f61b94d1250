"""How many bytes an index takes, asked while its files come and go."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

from patina_hybrid import manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one").write_bytes(b"123")
    (tmp_path / "deep" / "two").write_bytes(b"12345")
    os.link(tmp_path / "one", tmp_path / "deep" / "one again")
    (tmp_path / "deep" / "link").symlink_to("/nowhere")
    assert manifest.size(tmp_path) == 8


def test_a_file_or_folder_that_vanishes_while_it_is_looked_at_counts_nothing(tmp_path: Path) -> None:
    """As an index's do while segments merge, or while it is dropped."""
    (tmp_path / "kept").write_bytes(b"123")
    enough = threading.Event()

    def come_and_go() -> None:
        while not enough.is_set():
            for number in range(20):
                (tmp_path / f"{number}").mkdir()
                (tmp_path / f"{number}" / "file").touch()
            for number in range(20):
                shutil.rmtree(tmp_path / f"{number}")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        sizes = {manifest.size(tmp_path) for _ in range(300)}
    finally:
        enough.set()
        thread.join()
    assert sizes == {3}
