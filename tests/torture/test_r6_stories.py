"""Stories that Hypothesis thinks up, with crashes in them; the store and its indexes against the judge's model."""

from __future__ import annotations

import pytest
from tests.torture.history import Began, judged, read
from tests.torture.part import Part
from tests.torture.zygote import Zygote

pytestmark = pytest.mark.torture

STORIES, STEPS = 80, 25


def test_no_story_ends_badly(part: Part, zygote: Zygote) -> None:
    fields = {"folder": part.scratch / "homes", "notes": part.folder, "seed": part.seed}
    ended = zygote.run("play", **fields, examples=STORIES, steps=STEPS)
    stories = sorted(part.folder.glob("story-*.jsonl"))
    for story in stories:
        part.verdict.add(judged(read(story)))
    lines = sum(1 for story in stories for event in read(story) if not isinstance(event, Began))
    if ended:
        part.verdict.problems = [*part.verdict.problems, part.errors()]
    part.ends(f"{len(stories)} stories of {lines} events")
    assert ended == 0, part.errors()
