"""The options that narrow a search become a filter, or a sentence that says what is wrong with one."""

import time
from collections.abc import Iterator

import pytest

from patina.cli._filter import MAX_TIME_S, FilterOptions
from patina.errors import InvalidRequest
from patina.wire import Filter


@pytest.fixture(autouse=True, params=["UTC", "America/St_Johns"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def test_nothing_asked_for_is_no_filter() -> None:
    assert FilterOptions().filter() is None


def test_each_option_is_a_part_of_the_filter() -> None:
    options = FilterOptions(path_prefix="src/", language="python", since="0", until="2000000000.5", id=("a", "b"))
    assert options.filter() == Filter(
        path_prefix="src/", language="python", ids=["a", "b"], since=0.0, until=2_000_000_000.5
    )


def test_a_key_that_is_given_again_may_have_any_of_its_values() -> None:
    wanted = FilterOptions(where=("team=x", "tier=1", "team=y=z", "note=")).filter()
    assert wanted == Filter(metadata={"team": ["x", "y=z"], "tier": "1", "note": ""})


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-01-31", (2026, 1, 31, 0, 0, 0)),
        ("2026-07-01T14:30", (2026, 7, 1, 14, 30, 0)),
        ("2026-07-01 14:30:05", (2026, 7, 1, 14, 30, 5)),
    ],
)
def test_a_time_without_a_zone_is_local(text: str, local: tuple[int, ...]) -> None:
    wanted = FilterOptions(since=text).filter()
    assert wanted is not None
    assert time.localtime(wanted.since)[:6] == local


@pytest.mark.parametrize("text", ["2026-01-31T00:00Z", "2026-01-31T02:00+02:00", "1769817600", "1769817600.0"])
def test_a_time_with_a_zone_and_a_number_mean_the_same_everywhere(text: str) -> None:
    assert FilterOptions(until=text).filter() == Filter(until=1_769_817_600.0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"since": "yesterday"}, "--since yesterday is no date or time"),
        ({"until": "2026-02-30"}, "--until 2026-02-30 is no date or time"),
        ({"since": "2026"}, "--since 2026 is no date or time"),
        ({"since": "20260131"}, "--since 20260131 is no date or time"),
        ({"since": "1969-12-30"}, "not between 1970"),
        ({"until": str(int(MAX_TIME_S) + 1)}, "not between 1970"),
        ({"since": "2026-02-01", "until": "2026-02-01"}, "--since 2026-02-01 is not before --until 2026-02-01"),
        ({"where": ("author",)}, "--where author: it takes KEY=VALUE"),
        ({"where": ("=Ada",)}, "--where =Ada: it takes KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        FilterOptions(**options).filter()  # type: ignore[arg-type]
