"""Which segments are merged: four of a tier, small tiers first, and any that is mostly dead."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from patina_hybrid.dense.merge import FAN_OUT, LARGEST, Size, plan, plan_when_quiet


def whole(*rows: int) -> list[Size]:
    return [Size(count, count) for count in rows]


def test_three_of_a_tier_stay_apart() -> None:
    assert plan(whole(100, 100, 100), 100) == []


def test_four_of_a_tier_become_one() -> None:
    assert plan(whole(400, 100, 100, 90, 100), 100) == [1, 2, 3, 4]


def test_the_smallest_full_tier_goes_first() -> None:
    assert plan(whole(400, 400, 400, 400, 100, 100, 100, 100), 100) == [4, 5, 6, 7]


def test_a_segment_with_many_dead_rows_is_written_anew() -> None:
    assert plan([Size(100, 100), Size(100, 69)], 100) == [1]
    assert plan([Size(100, 100), Size(100, 70)], 100) == []


def test_large_segments_stay_apart_while_new_rows_come() -> None:
    assert plan(whole(1_600, 1_600, 1_600, 1_600), 100) == []


def test_in_a_quiet_time_what_is_not_small_beside_the_rest_joins_it() -> None:
    assert plan_when_quiet(whole(400, 400, 400), 100) == [0, 1, 2]
    assert plan_when_quiet(whole(1_600, 100, 400, 1_600), 100) == [1, 2, 0, 3]
    assert plan_when_quiet(whole(1_600, 100), 100) == []
    assert plan_when_quiet(whole(1_600), 100) == plan_when_quiet([], 100) == []
    assert plan_when_quiet(whole(100 * LARGEST, 100 * LARGEST), 100) == []


@given(st.lists(st.integers(100, 6_400), max_size=30))
def test_in_a_quiet_time_few_segments_are_left_and_none_is_too_large(sizes: list[int]) -> None:
    segments = whole(*sizes)
    while chosen := plan_when_quiet(segments, 100):
        total = sum(segments[position].rows for position in chosen)
        assert total <= 100 * LARGEST
        segments = [segment for position, segment in enumerate(segments) if position not in chosen]
        segments.append(Size(total, total))
    rows = sorted(segment.rows for segment in segments)
    upto = accumulate(rows)
    next(upto, None)
    assert all(b > 4 * a or total > 100 * LARGEST for (a, b), total in zip(pairwise(rows), upto, strict=True))


@given(st.lists(st.integers(100, 100_000), max_size=30))
def test_merging_ends_with_few_segments_of_each_size(sizes: list[int]) -> None:
    segments = whole(*sizes)
    while chosen := plan(segments, 100):
        total = sum(segments[position].rows for position in chosen)
        kept = [segment for position, segment in enumerate(segments) if position not in chosen]
        assert len(kept) < len(segments) - 1, "every merge leaves fewer segments"
        segments = [*kept, Size(total, total)]
    small = [segment for segment in segments if segment.rows < 200]
    assert len(small) < FAN_OUT
