"""What every index promises."""

from __future__ import annotations

import shutil
import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patina.protocols import Index
from patina.testing.contracts import _passages as passages
from patina.testing.contracts._passages import DIMENSION, STAMP, chunk_id, chunk_ids, delete, put, puts, vector_known
from patina.testing.contracts._questions import (
    HOSTILE,
    asking,
    asking_meanwhile,
    assert_ordered,
    change_a_byte,
    cut,
    eventually,
    found,
    keep_asking,
    names,
    tidy,
)
from patina.types import Change, Query, Ranking, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MANY = 3_000


class IndexContract(ABC):
    """Subclass it, and return a new, unopened index from `index`; each call with the same settings.

    The tests about an arm look at `arms` first, so an index with one of them runs what concerns it.
    """

    @abstractmethod
    def index(self) -> Index: ...

    @contextmanager
    def opened(
        self, folder: Path | None = None, changes: Sequence[Change] = (), stamp: Stamp = STAMP
    ) -> Iterator[Index]:
        """An index that has taken in `changes` and made them visible."""
        index = self.index()
        index.open(folder, stamp)
        try:
            if changes:
                index.apply(changes)
                index.checkpoint()
            yield index
        finally:
            index.close()

    # -- opening ------------------------------------------------------------------------------------------------------

    def test_it_has_every_method(self) -> None:
        index = self.index()
        assert isinstance(index, Index)
        assert index.arms
        assert set(index.arms) <= {"dense", "lexical", "fused"}
        assert len(set(index.arms)) == len(index.arms)

    def test_a_new_index_is_empty_at_0(self, tmp_path: Path) -> None:
        index = self.index()
        assert index.open(tmp_path / "index", STAMP) == 0
        assert index.checkpoint() == 0
        assert all(not index.ids(arm) for arm in index.arms)
        assert not found(index.rank(asking(1)))
        index.close()

    def test_it_lives_in_memory_without_a_folder(self) -> None:
        with self.opened(None, puts(range(5), passages.vectors(5))) as index:
            assert index.checkpoint() == 5
            assert chunk_id(3) in found(index.rank(asking(3)))

    def test_reopened_it_answers_as_before(self, tmp_path: Path) -> None:
        rows = passages.vectors(60)
        with self.opened(tmp_path, [*puts(range(60), rows), delete(7, 61)]) as index:
            before = [index.rank(asking(number, window=10)) for number in range(0, 60, 5)]
            seq = index.checkpoint()
        assert seq == 61
        again = self.index()
        assert again.open(tmp_path, STAMP) == 61
        after = [again.rank(asking(number, window=10)) for number in range(0, 60, 5)]
        live = chunk_ids(set(range(60)) - {7})
        assert all(again.ids(arm) == live for arm in again.arms)
        again.close()
        assert after == before

    def test_what_was_not_checkpointed_is_asked_for_again(self, tmp_path: Path) -> None:
        rows = passages.vectors(20)
        log = puts(range(20), rows)
        with self.opened(tmp_path, log[:10]) as index:
            index.apply(log[10:])
        again = self.index()
        held = again.open(tmp_path, STAMP)
        assert 10 <= held <= 20, "a checkpoint was made at 10, and no change after 20 was ever seen"
        again.apply(log[held:])
        again.checkpoint()
        assert all(again.ids(arm) == chunk_ids(range(20)) for arm in again.arms)
        again.close()

    def test_another_stamp_starts_over(self, tmp_path: Path) -> None:
        others = (
            replace(STAMP, collection="another"),
            replace(STAMP, format=STAMP.format + 1),
        )
        for number, other in enumerate(others):
            index = self._reopened(tmp_path / str(number), other)
            assert all(not index.ids(arm) for arm in index.arms), other
            index.close()

    def test_vectors_of_another_model_are_forgotten(self, tmp_path: Path) -> None:
        """Words do not depend on a model: a lexical arm may keep what it has while the log comes again."""
        others = (
            replace(STAMP, identity="b" * 64),
            replace(STAMP, identity="c" * 64, dimension=DIMENSION // 2),
        )
        for number, other in enumerate(others):
            index = self._reopened(tmp_path / str(number), other)
            assert all(not index.ids(arm) for arm in set(index.arms) - {"lexical"}), other
            index.close()

    def _reopened(self, folder: Path, stamp: Stamp) -> Index:
        """An index made with `STAMP` and opened with another: the whole log is asked for again."""
        with self.opened(folder, puts(range(5), passages.vectors(5))):
            pass
        index = self.index()
        assert index.open(folder, stamp) == 0, stamp
        return index

    def test_a_damaged_file_is_never_believed(self, tmp_path: Path) -> None:
        """Cut in half or with one byte changed: what is missing is derived again, and nothing is answered wrongly."""
        log = puts(range(40), passages.vectors(40))
        good = tmp_path / "good"
        with self.opened(good, log) as index:
            right = [index.rank(asking(number, window=5)) for number in range(0, 40, 9)]
        files = [file.relative_to(good) for file in sorted(good.rglob("*")) if file.is_file() and file.stat().st_size]
        for number, file in enumerate(files):
            for name, damage in (("cut", cut), ("changed", change_a_byte)):
                copy = tmp_path / f"{name}-{number}"
                shutil.copytree(good, copy)
                damage(copy / file)
                assert self._recovered(copy, log) == right, f"{file} was {name}"

    def _recovered(self, folder: Path, log: Sequence[Change]) -> list[list[Ranking]]:
        index = self.index()
        held = index.open(folder, STAMP)
        index.apply(log[held:])
        index.checkpoint()
        answers = [index.rank(asking(number, window=5)) for number in range(0, len(log), 9)]
        index.close()
        return answers

    # -- following the log --------------------------------------------------------------------------------------------

    def test_a_checkpoint_makes_changes_visible_at_once(self) -> None:
        with self.opened() as index:
            for number, change in enumerate(puts(range(5), passages.vectors(5))):
                index.apply([change])
                assert index.checkpoint() == change.seq
                for ranking in index.rank(asking(number)):
                    assert chunk_id(number) in names(ranking), ranking.arm

    def test_changes_become_visible_without_a_checkpoint(self) -> None:
        with self.opened() as index:
            index.apply(puts(range(3), passages.vectors(3)))
            for arm in index.arms:
                assert eventually(index, asking(1, arms=(arm,)), chunk_id(1)), arm

    def test_a_vector_may_come_later(self) -> None:
        rows = passages.vectors(20)
        late = [*puts(range(20)), *(vector_known(number, 21 + number, rows[number]) for number in range(20))]
        with self.opened(None, puts(range(20), rows)) as known, self.opened(None, late) as learned:
            for number in range(20):
                assert known.rank(asking(number)) == learned.rank(asking(number))

    def test_text_is_found_before_its_vector_is_known(self) -> None:
        with self.opened(None, puts(range(5))) as index:
            if "lexical" in index.arms:
                assert found(index.rank(Query(text="zq3x"))) == {chunk_id(3)}
            assert "dense" not in {ranking.arm for ranking in index.rank(asking(3))}, "nothing is embedded yet"

    def test_deleted_is_never_returned(self) -> None:
        rows = passages.vectors(30)
        gone = range(0, 30, 2)
        log = [*puts(range(30), rows), *(delete(number, 31 + at) for at, number in enumerate(gone))]
        with self.opened(None, log) as index:
            live = chunk_ids(range(1, 30, 2))
            assert all(index.ids(arm) == live for arm in index.arms)
            for number in range(30):
                assert found(index.rank(asking(number))) <= live

    def test_deleted_in_the_same_batch_is_never_returned(self) -> None:
        with self.opened(None, [*puts(range(3), passages.vectors(3)), delete(1, 4)]) as index:
            assert chunk_id(1) not in found(index.rank(asking(1)))

    def test_put_again_after_a_delete_it_is_found_again(self) -> None:
        rows = passages.vectors(3)
        log = [*puts(range(3), rows), delete(1, 4), put(1, 5, rows[1])]
        with self.opened(None, log) as index:
            assert all(index.ids(arm) == chunk_ids(range(3)) for arm in index.arms)
            assert chunk_id(1) in found(index.rank(asking(1)))

    def test_applying_again_changes_nothing(self) -> None:
        rows = passages.vectors(30)
        log = [*puts(range(30), rows), delete(3, 31), delete(4, 32), put(4, 33, rows[4])]
        with self.opened(None, log) as once, self.opened(None, log) as twice:
            for again in (log, log[10:], log[-1:]):
                twice.apply(again)
                assert twice.checkpoint() == 33
            for number in range(30):
                assert tidy(twice.rank(asking(number))) == tidy(once.rank(asking(number)))
            assert all(twice.ids(arm) == once.ids(arm) for arm in once.arms)

    def test_what_is_unknown_may_be_deleted_or_given_a_vector(self) -> None:
        with self.opened(None, [delete(1, 1), vector_known(2, 2, passages.vectors(3)[2])]) as index:
            assert index.checkpoint() == 2
            assert all(not index.ids(arm) for arm in index.arms)
            assert not found(index.rank(asking(2)))

    def test_ids_are_what_is_live(self) -> None:
        rows = passages.vectors(10)
        log = [*puts(range(8)), *(vector_known(number, 9 + number, rows[number]) for number in range(4)), delete(0, 13)]
        with self.opened(None, log) as index:
            expected = {"lexical": chunk_ids(range(1, 8)), "dense": chunk_ids(range(1, 4))}
            for arm in set(index.arms) & expected.keys():
                assert index.ids(arm) == expected[arm], arm

    def test_drop_forgets_everything(self) -> None:
        log = puts(range(10), passages.vectors(10))
        with self.opened(None, log) as index:
            index.drop()
            index.drop()
            assert all(not index.ids(arm) for arm in index.arms)
            assert not found(index.rank(asking(1)))
            assert index.checkpoint() == 0
            index.apply(log)
            assert index.checkpoint() == 10
            assert chunk_id(1) in found(index.rank(asking(1)))

    def test_what_was_dropped_does_not_come_back(self, tmp_path: Path) -> None:
        with self.opened(tmp_path, puts(range(10), passages.vectors(10))) as index:
            index.drop()
        again = self.index()
        assert again.open(tmp_path, STAMP) == 0
        assert all(not again.ids(arm) for arm in again.arms)
        again.close()

    # -- ranking ------------------------------------------------------------------------------------------------------

    def test_a_ranking_is_best_first_within_the_window(self) -> None:
        with self.opened(None, puts(range(100), passages.vectors(100))) as index:
            for window in (1, 5, 50, 1_000):
                for ranking in index.rank(asking(9, "common river", window)):
                    assert 0 < len(ranking.candidates) <= window
                    assert_ordered(ranking.candidates)

    def test_a_passage_is_the_best_answer_to_itself(self) -> None:
        with self.opened(None, puts(range(100), passages.vectors(100))) as index:
            for number in range(0, 100, 7):
                for ranking in index.rank(asking(number)):
                    assert ranking.candidates[0].id == chunk_id(number), ranking.arm

    def test_only_the_arms_asked_answer(self) -> None:
        with self.opened(None, puts(range(10), passages.vectors(10))) as index:
            assert [ranking.arm for ranking in index.rank(asking(1))] == list(index.arms)
            for arm in index.arms:
                assert [ranking.arm for ranking in index.rank(asking(1, arms=(arm,)))] == [arm]
            assert index.rank(asking(1, arms=())) == []

    def test_an_arm_without_its_part_of_the_question_is_left_out(self) -> None:
        rows = passages.vectors(10)
        with self.opened(None, puts(range(10), rows)) as index:
            assert "dense" not in {ranking.arm for ranking in index.rank(Query(text="common"))}
            assert "lexical" not in {ranking.arm for ranking in index.rank(Query(vector=rows[1]))}
            assert not found(index.rank(Query()))

    def test_a_filter_that_keeps_one_in_a_thousand_still_fills_the_answer(self) -> None:
        admitted = (0, 999, 1998)  # each holds "common"
        rows = passages.vectors(MANY)
        with self.opened(None, puts(range(MANY), rows)) as index:
            only = chunk_ids(admitted)
            for number in (1, admitted[1]):
                for ranking in index.rank(Query(text="common", vector=rows[number], window=50, only=only)):
                    assert names(ranking) == only, ranking.arm

    def test_an_empty_filter_admits_nothing(self) -> None:
        with self.opened(None, puts(range(10), passages.vectors(10))) as index:
            assert not found(index.rank(asking(1, only=frozenset())))
            assert not found(index.rank(asking(1, only=chunk_ids([99]))))

    def test_the_nearest_vectors_are_found(self) -> None:
        rows = passages.vectors(MANY)
        questions = passages.vectors(20, seed=8)
        with self.opened(None, puts(range(MANY), rows)) as index:
            if "dense" not in index.arms:
                return
            hits = 0
            for question in questions:
                (ranking,) = index.rank(Query(vector=question, window=10, arms=("dense",)))
                hits += len(names(ranking) & set(passages.nearest(rows, question, 10)))
        assert hits >= 0.9 * 10 * len(questions), "recall at 10, against comparing with every vector"

    def test_words_are_found_in_any_case(self) -> None:
        log = [put(1, 1, body="Die Größe der TÜR"), put(2, 2, body="open_file and readLines"), put(3, 3, body="—")]
        with self.opened(None, log) as index:
            if "lexical" not in index.arms:
                return
            assert found(index.rank(Query(text="größe"))) == {chunk_id(1)}
            assert found(index.rank(Query(text="tür"))) == {chunk_id(1)}
            assert found(index.rank(Query(text="OPEN_FILE"))) == {chunk_id(2)}
            assert not found(index.rank(Query(text="nowhere")))

    def test_equals_come_in_the_order_of_their_ids(self) -> None:
        alike = [put(number, seq, body="all the same words") for seq, number in enumerate((5, 2, 9, 1, 7, 3), start=1)]
        row = passages.vectors(1)[0]
        alike += [vector_known(number, 7 + at, row) for at, number in enumerate((9, 1, 5, 2, 7, 3))]
        with self.opened(None, alike) as index:
            question = Query(text="same words", vector=row)
            for ranking in index.rank(question):
                assert [candidate.id for candidate in ranking.candidates] == [chunk_id(n) for n in (1, 2, 3, 5, 7, 9)]
            few = replace(question, window=4)
            assert index.rank(few) == index.rank(few)

    def test_no_question_is_an_error(self) -> None:
        row = passages.vectors(1)[0]
        with self.opened(None, puts(range(10), passages.vectors(10))) as index:
            for text in HOSTILE:
                for query in (Query(text=text), Query(text=text, vector=row, window=3)):
                    assert isinstance(index.rank(query), list)

    def test_any_text_can_be_taken_in(self) -> None:
        rows = passages.vectors(len(HOSTILE))
        log = [put(number, number + 1, rows[number], body) for number, body in enumerate(HOSTILE)]
        with self.opened(None, log) as index:
            assert all(index.ids(arm) == chunk_ids(range(len(HOSTILE))) for arm in index.arms)
            assert not index.verify(full=True)

    def test_questions_are_answered_while_changes_are_taken_in(self) -> None:
        rows = passages.vectors(1_000)
        log = puts(range(1_000), rows)
        done = threading.Event()
        wrong: list[object] = []
        with self.opened(None, log[:100]) as index:
            askers = [threading.Thread(target=keep_asking, args=(index, done, wrong)) for _ in range(2)]
            for asker in askers:
                asker.start()
            for at in range(100, 1_000, 100):
                index.apply([*log[at : at + 100], delete(at, at + 100)])
                index.checkpoint()
            done.set()
            for asker in askers:
                asker.join()
            assert wrong == []
            live = chunk_ids(set(range(1_000)) - set(range(100, 1_000, 100)))
            assert all(index.ids(arm) == live for arm in index.arms)

    def test_a_batch_is_seen_whole(self) -> None:
        """While one long document replaces another, those who ask find the old one or the new one, never parts."""
        rows = passages.vectors(2 * MANY)
        old, new = (0, MANY - 3), (MANY, 2 * MANY - 3)  # the first and the last that hold "common"
        batch = [*(delete(number, MANY + 1 + number) for number in range(MANY))]
        batch += puts(range(MANY, 2 * MANY), rows, first=2 * MANY + 1)
        with self.opened(None, puts(range(MANY), rows)) as index:
            question = Query(text="common", vector=rows[0], only=chunk_ids([*old, *new]))
            with asking_meanwhile(index, question) as seen:
                index.apply(batch)
                assert all(eventually(index, replace(question, arms=(arm,)), chunk_id(new[0])) for arm in index.arms)
            assert seen <= {(arm, chunk_ids(pair)) for arm in index.arms for pair in (old, new)}
            assert {(arm, chunk_ids(new)) for arm in index.arms} <= {(r.arm, names(r)) for r in index.rank(question)}

    # -- care ---------------------------------------------------------------------------------------------------------

    def test_a_healthy_index_has_no_faults(self, tmp_path: Path) -> None:
        with self.opened(tmp_path, puts(range(20), passages.vectors(20))) as index:
            assert index.verify() == []
            assert index.verify(full=True) == []

    def test_stats_are_counts_by_name(self) -> None:
        with self.opened(None, puts(range(20), passages.vectors(20))) as index:
            stats = index.stats()
        assert stats
        assert all(isinstance(name, str) and isinstance(count, int) for name, count in stats.items())
