"""Every promise of the index contract, broken once: a suite that passes everything proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from patina.testing import FakeIndex, IndexContract
from patina.types import Candidate, Change, Fault, Query, Ranking, Seq, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from patina.protocols import Index


class BrokenError(Exception):
    """What a broken index raises."""


class Filterless(FakeIndex):
    def rank(self, query: Query) -> list[Ranking]:
        return super().rank(msgspec.structs.replace(query, only=None))


class LateFilter(FakeIndex):
    """Filters what the window left over."""

    def rank(self, query: Query) -> list[Ranking]:
        rankings = super().rank(msgspec.structs.replace(query, only=None))
        if query.only is None:
            return rankings
        return [
            Ranking(ranking.arm, [candidate for candidate in ranking.candidates if candidate.id in query.only])
            for ranking in rankings
        ]


class Deaf(FakeIndex):
    """Takes nothing in."""

    def apply(self, changes: Sequence[Change]) -> None: ...


class Hoarding(FakeIndex):
    """Never deletes."""

    def apply(self, changes: Sequence[Change]) -> None:
        super().apply([change for change in changes if change.op != "delete"])


class Grudging(FakeIndex):
    """What was deleted once stays away."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[str] = set()

    def apply(self, changes: Sequence[Change]) -> None:
        self.gone |= {change.id for change in changes if change.op == "delete"}
        super().apply([change for change in changes if change.op == "delete" or change.id not in self.gone])


class Blind(FakeIndex):
    """Takes vectors only together with the text."""

    def apply(self, changes: Sequence[Change]) -> None:
        super().apply([change for change in changes if change.op != "vector"])


class Credulous(FakeIndex):
    """A vector brings its passage into being."""

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.op == "vector" and change.id not in self.ids("lexical"):
                super().apply([msgspec.structs.replace(change, op="put")])
            super().apply([change])


class Counting(FakeIndex):
    """Calls the number of changes its position in the log."""

    seen = 0

    def apply(self, changes: Sequence[Change]) -> None:
        super().apply(changes)
        self.seen += len(changes)

    def checkpoint(self) -> Seq:
        super().checkpoint()
        return self.seen


class Trusting(FakeIndex):
    """Believes whatever lies in the folder."""

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        old = None if folder is None else (folder / "stamp.json")
        if old is not None and old.exists():
            return super().open(folder, msgspec.json.decode(old.read_bytes(), type=Stamp))
        if old is not None:
            old.parent.mkdir(parents=True, exist_ok=True)
            old.write_bytes(msgspec.json.encode(stamp))
        return super().open(folder, stamp)


class Careless(FakeIndex):
    """Starts anew when its file is damaged, and claims to have everything."""

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        seq = super().open(folder, stamp)
        damaged = folder is not None and (folder / "fake.index").exists() and seq == 0
        return 40 if damaged else seq


class Boasting(FakeIndex):
    """Says at once that it holds what it has yet to write."""

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        return super().open(folder, stamp) and 1_000


class Forgetful(FakeIndex):
    """Writes nothing."""

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        return super().open(None, stamp)


class Bound(FakeIndex):
    """Cannot do without a folder."""

    def open(self, folder: Path | None, stamp: Stamp) -> Seq:
        if folder is None:
            raise BrokenError("no folder")
        return super().open(folder, stamp)


class Haunted(FakeIndex):
    """A new one is not empty."""

    def ids(self, arm: str) -> frozenset[str]:
        return super().ids(arm) | {"ghost"}


class Clinging(FakeIndex):
    """Drops what is in memory and leaves the file."""

    def drop(self) -> None:
        folder, self._folder = self._folder, None
        super().drop()
        self._folder = folder


class Deciduous(FakeIndex):
    """Drops its passages and remembers how far it was."""

    def drop(self) -> None:
        self._passages = {}


class Generous(FakeIndex):
    def rank(self, query: Query) -> list[Ranking]:
        return super().rank(msgspec.structs.replace(query, window=query.window + 1))


class Upside(FakeIndex):
    """The worst first."""

    def rank(self, query: Query) -> list[Ranking]:
        return [Ranking(ranking.arm, ranking.candidates[::-1]) for ranking in super().rank(query)]


class Talkative(FakeIndex):
    """Asks every arm, whatever was asked, and answers with an empty ranking where it has none."""

    def rank(self, query: Query) -> list[Ranking]:
        found = {ranking.arm: ranking for ranking in super().rank(msgspec.structs.replace(query, arms=None))}
        return [found.get(arm, Ranking(arm, [])) for arm in self.arms]


class Guessing(FakeIndex):
    """Looks at one vector in ten."""

    def rank(self, query: Query) -> list[Ranking]:
        some = frozenset(key for key in self.ids("dense") if int(key, 16) % 10 == 0)
        return super().rank(msgspec.structs.replace(query, only=some if query.only is None else query.only))


class CaseBound(FakeIndex):
    def rank(self, query: Query) -> list[Ranking]:
        exact = {key for key, passage in self._passages.items() if query.text in passage.text}
        return super().rank(msgspec.structs.replace(query, only=frozenset(exact)))


class Shuffled(FakeIndex):
    """Equals come as they please."""

    def rank(self, query: Query) -> list[Ranking]:
        return [
            Ranking(ranking.arm, sorted(ranking.candidates, key=lambda c: (-c.score, c.id[::-1], c.id), reverse=False))
            if len({candidate.score for candidate in ranking.candidates}) > 1
            else Ranking(ranking.arm, ranking.candidates[::-1])
            for ranking in super().rank(query)
        ]


class Parsing(FakeIndex):
    """Takes a question for a query language, and a passage for clean text."""

    def rank(self, query: Query) -> list[Ranking]:
        if '"' in query.text:
            raise BrokenError("syntax error")
        return super().rank(query)

    def apply(self, changes: Sequence[Change]) -> None:
        if any("\x00" in change.text for change in changes):
            raise BrokenError("unexpected end of text")
        super().apply(changes)


class Unlocked(FakeIndex):
    """While it takes changes in, a question finds one passage twice."""

    busy = False

    def apply(self, changes: Sequence[Change]) -> None:
        self.busy = len(self.ids("lexical")) > 0
        super().apply(changes)

    def rank(self, query: Query) -> list[Ranking]:
        rankings = super().rank(query)
        if self.busy:
            return [Ranking(ranking.arm, [*ranking.candidates[:1], *ranking.candidates]) for ranking in rankings]
        return rankings


class Piecemeal(FakeIndex):
    """Shows each change as it takes it in."""

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            super().apply([change])


class Doubling(FakeIndex):
    """Appends what it is told again."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def apply(self, changes: Sequence[Change]) -> None:
        super().apply(changes)
        self.told += [change.id for change in changes if change.op == "put"]

    def rank(self, query: Query) -> list[Ranking]:
        return [
            Ranking(arm.arm, [Candidate(c.id, c.score) for c in arm.candidates for _ in range(self.told.count(c.id))])
            for arm in super().rank(query)
        ]


class Hypochondriac(FakeIndex):
    def verify(self, full: bool = False) -> list[Fault]:
        return [*super().verify(full), Fault(where="fake.index", what="it feels unwell", repair="rest")]


class Wordy(FakeIndex):
    def stats(self) -> dict[str, int]:
        return {"lexical_chunks": "many"}  # type: ignore[dict-item]


class Unknown(FakeIndex):
    arms = ("sparse",)  # type: ignore[assignment]


CAUGHT: dict[Callable[[], Index], tuple[str, ...]] = {
    Unknown: ("test_it_has_every_method",),
    Haunted: ("test_a_new_index_is_empty_at_0", "test_what_is_unknown_may_be_deleted_or_given_a_vector"),
    Bound: ("test_it_lives_in_memory_without_a_folder",),
    Forgetful: ("test_reopened_it_answers_as_before", "test_what_was_not_checkpointed_is_asked_for_again"),
    Boasting: ("test_what_was_not_checkpointed_is_asked_for_again",),
    Trusting: ("test_another_stamp_starts_over", "test_vectors_of_another_model_are_forgotten"),
    Careless: ("test_a_damaged_file_is_never_believed",),
    Deaf: (
        "test_a_checkpoint_makes_changes_visible_at_once",
        "test_changes_become_visible_without_a_checkpoint",
        "test_text_is_found_before_its_vector_is_known",
    ),
    Blind: ("test_a_vector_may_come_later", "test_ids_are_what_is_live"),
    Hoarding: (
        "test_deleted_is_never_returned",
        "test_deleted_in_the_same_batch_is_never_returned",
        "test_ids_are_what_is_live",
    ),
    Grudging: ("test_put_again_after_a_delete_it_is_found_again",),
    Doubling: ("test_applying_again_changes_nothing",),
    Credulous: ("test_what_is_unknown_may_be_deleted_or_given_a_vector",),
    Counting: ("test_applying_again_changes_nothing",),
    Deciduous: ("test_drop_forgets_everything",),
    Clinging: ("test_what_was_dropped_does_not_come_back",),
    Generous: ("test_a_ranking_is_best_first_within_the_window",),
    Upside: ("test_a_ranking_is_best_first_within_the_window", "test_a_passage_is_the_best_answer_to_itself"),
    Talkative: ("test_only_the_arms_asked_answer", "test_an_arm_without_its_part_of_the_question_is_left_out"),
    Filterless: ("test_an_empty_filter_admits_nothing",),
    LateFilter: ("test_a_filter_that_keeps_one_in_a_thousand_still_fills_the_answer",),
    Guessing: ("test_the_nearest_vectors_are_found",),
    CaseBound: ("test_words_are_found_in_any_case",),
    Shuffled: ("test_equals_come_in_the_order_of_their_ids",),
    Parsing: ("test_no_question_is_an_error", "test_any_text_can_be_taken_in"),
    Unlocked: ("test_questions_are_answered_while_changes_are_taken_in",),
    Piecemeal: ("test_a_batch_is_seen_whole",),
    Hypochondriac: ("test_a_healthy_index_has_no_faults",),
    Wordy: ("test_stats_are_counts_by_name",),
}


@pytest.mark.parametrize(("broken", "test"), [(broken, test) for broken, tests in CAUGHT.items() for test in tests])
def test_it_is_caught(
    broken: Callable[[], Index], test: str, run: Callable[[object, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patina.testing.contracts._questions.VISIBLE_WITHIN_S", 0.1)

    class Suite(IndexContract):
        def index(self) -> Index:
            return broken()

    with pytest.raises((AssertionError, BrokenError)):
        run(Suite(), test)


def test_every_promise_can_be_broken() -> None:
    promises = {name for name in dir(IndexContract) if name.startswith("test_")}
    assert {test for tests in CAUGHT.values() for test in tests} == promises
