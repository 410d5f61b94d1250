"""The first thing that is said to a newly opened index is not lost in the merge that it sets off."""

from __future__ import annotations

import shutil
from pathlib import Path

from patina_hybrid.lexical.postings import Postings

SEGMENTS = 8
"""So many and one more are merged."""
ATTEMPTS = 40


def killed(folder: Path, number: int) -> Path | None:
    """What is left of a process that was killed before its segments were merged; None if the merge was quicker."""
    live, left = folder / f"live-{number}", folder / f"left-{number}"
    live.mkdir()
    left.mkdir()
    postings = Postings(live)
    for segment in range(SEGMENTS):
        for place in range(3):
            postings.put(f"{segment}/{place}", ["word"])
        if segment == SEGMENTS - 1:
            postings.delete("6/0")
        postings.publish()
    try:
        for file in live.iterdir():
            if not file.name.endswith(".lock") and not file.name.startswith(".tmp"):
                shutil.copy(file, left)
        Postings(left)
    except (OSError, ValueError):
        return None
    finally:
        postings.rest()
    return left


def test_a_delete_that_comes_first_after_a_restart_is_kept_through_a_merge(tmp_path: Path) -> None:
    tried = 0
    for number in range(ATTEMPTS):
        left = killed(tmp_path, number)
        if left is None:
            continue
        postings = Postings(left)
        postings.delete("6/1")
        postings.put("new", ["word"])
        postings.publish()
        postings.rest()
        assert "6/1" not in postings.ids()
        tried += 1
        if tried == 5:
            break
    assert tried
