"""Finding passages by their words, with either engine."""

from __future__ import annotations

import sysconfig
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from patina.errors import Failed, PluginError
from patina.types import Change, Query, Stamp
from patina_hybrid.lexical import pace, postings
from patina_hybrid.lexical.rank_bm25_arm import RankBm25Arm
from patina_hybrid.lexical.tantivy_arm import MAX_PENDING, TantivyArm
from patina_hybrid.settings import HybridSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from patina_hybrid.arm import LexicalArm

    from .conftest import Passages

STAMP = Stamp(collection="notes")
ENGINES: list[Callable[[HybridSettings], LexicalArm]] = [TantivyArm, RankBm25Arm]


@pytest.fixture(params=ENGINES, ids=["tantivy", "rank-bm25"])
def arm(request: pytest.FixtureRequest) -> Iterator[LexicalArm]:
    arm: LexicalArm = request.param(HybridSettings())
    arm.open(None, STAMP)
    yield arm
    arm.close()


def take(arm: LexicalArm, *texts: str) -> None:
    first = arm.seq + 1
    arm.apply([Change(seq=first + at, op="put", id=f"{first + at}", text=text) for at, text in enumerate(texts)])
    arm.checkpoint()


def found(arm: LexicalArm, text: str, window: int = 50, only: frozenset[str] | None = None) -> list[str]:
    candidates = arm.rank(Query(text=text, window=window, only=only))
    assert candidates is not None
    return [candidate.id for candidate in candidates]


@pytest.mark.parametrize(
    "question",
    ["read_config_file", "config", "reading files", "parseHTTPHeader", "parsehttpheader", "header", "json.dumps"],
)
def test_identifiers_are_found_whole_and_by_their_parts(arm: LexicalArm, question: str) -> None:
    take(arm, "def read_config_file(path): json.dumps(parseHTTPHeader(path))", "nothing to see here")
    assert found(arm, question) == ["1"]


def test_the_whole_identifier_beats_its_parts(arm: LexicalArm) -> None:
    take(arm, "open the file, then open another file", "a call of open_file somewhere in it", "unrelated words")
    assert found(arm, "open_file")[0] == "2"


def test_no_question_is_a_query_language(arm: LexicalArm) -> None:
    take(arm, "a AND b", "(unclosed", "title:x")
    for text in ('"', "AND OR", "(a", "title:[* TO", "a:b^2", "-a +b", "*", "\x00"):
        assert isinstance(found(arm, text), list)
    assert found(arm, "unclosed)") == ["2"]


def test_common_words_do_not_drown_the_rare_one(arm: LexicalArm) -> None:
    take(arm, *["how do I do this and that"] * 30, "how the flux works")
    assert found(arm, "how do I do the flux")[0] == "31"


def test_a_small_collection_has_positive_scores(arm: LexicalArm) -> None:
    take(arm, "apple pear", "apple")
    candidates = arm.rank(Query(text="apple"))
    assert candidates is not None
    assert {candidate.id for candidate in candidates} == {"1", "2"}
    assert all(candidate.score > 0 for candidate in candidates)


def test_equals_are_cut_by_their_ids(arm: LexicalArm) -> None:
    take(arm, *["the same text"] * 300)
    every = sorted(str(number) for number in range(1, 301))
    for window in (1, 10, 299, 300, 400):
        assert found(arm, "same", window) == every[:window]


@pytest.mark.parametrize("step", [2, 10, 500])
def test_a_filter_is_applied_before_the_window(arm: LexicalArm, step: int) -> None:
    take(arm, *(f"common {'rare ' * (number % 5)}" for number in range(1_000)))
    only = frozenset(str(number) for number in range(1, 1_001, step))
    assert len(found(arm, "common", 10, only)) == min(10, len(only))
    assert set(found(arm, "common rare", 10, only)) <= only
    every = found(arm, "common rare", 1_000)
    assert found(arm, "common rare", 10, only) == [id_ for id_ in every if id_ in only][:10]


def test_a_filter_of_the_worst_matches_is_filled(arm: LexicalArm) -> None:
    """All that the filter admits comes after 800 better matches."""
    take(arm, *["needle"] * 800, *["needle in much more hay than elsewhere"] * 200)
    only = frozenset(str(number) for number in range(801, 1_001))
    assert len(found(arm, "needle", 50, only)) == 50


def test_deleted_is_gone_with_its_batch(arm: LexicalArm) -> None:
    take(arm, "first word", "second word")
    arm.apply([Change(seq=3, op="delete", id="1")])
    assert arm.holds(["1", "2", "3"]) == {"2"}
    arm.checkpoint()
    assert found(arm, "word") == ["2"]
    arm.apply([Change(seq=4, op="put", id="1", text="first word again")])
    arm.checkpoint()
    assert set(found(arm, "word")) == {"1", "2"}


def test_what_was_put_is_held_before_it_is_visible(arm: LexicalArm) -> None:
    arm.apply([Change(seq=1, op="put", id="1", text="word")])
    assert arm.holds(["1", "2"]) == {"1"}


def test_a_passage_without_words_exists(arm: LexicalArm) -> None:
    take(arm, "—", "word")
    assert arm.ids() == {"1", "2"}
    assert found(arm, "word") == ["2"]


def test_changes_become_visible_by_themselves(arm: LexicalArm) -> None:
    take(arm, "old")
    arm.apply([Change(seq=2, op="put", id="2", text="new word")])
    deadline = time.monotonic() + 10
    while found(arm, "word") != ["2"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def chunks_of_real_text(count: int) -> list[Change]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    texts: list[tuple[str, str]] = []
    for path in sorted((folder / "email").glob("*.py")) + sorted((folder / "asyncio").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        texts += [(path.name, text[at : at + 1_400]) for at in range(0, len(text), 1_400)]
    return [
        Change(seq=seq, op="put", id=f"{seq:05}", text=text, path=name)
        for seq, (name, text) in enumerate(texts[:count], start=1)
    ]


QUESTIONS: Sequence[str] = (
    "How is a message parsed from bytes?",
    "encode header with charset",
    "wait for several futures with a timeout",
    "run_in_executor thread pool",
    "BaseEventLoop create_task",
    "quoted printable line length",
    "cancel a task and shield it",
    "subprocess pipe transport",
    "lock acquire release fairness",
    "parse addresses and domain literals",
)


def test_tantivy_agrees_with_the_reference_on_real_text() -> None:
    log = chunks_of_real_text(700)
    assert len(log) >= 500
    answers = []
    for engine in ENGINES:
        arm = engine(HybridSettings())
        arm.open(None, STAMP)
        arm.apply(log)
        arm.checkpoint()
        answers.append([arm.rank(Query(text=text, window=10)) or [] for text in QUESTIONS])
        arm.close()
    shared = 0
    for ours, reference in zip(*answers, strict=True):
        assert ours[0].id in {candidate.id for candidate in reference[:3]}
        shared += len({c.id for c in ours} & {c.id for c in reference})
        assert ours[0].score == pytest.approx(reference[0].score, rel=0.1)  # tantivy rounds the lengths of passages
    assert shared >= 0.9 * 10 * len(QUESTIONS)


def test_rank_bm25_refuses_more_than_its_limit() -> None:
    arm = RankBm25Arm(HybridSettings(rank_bm25_max_chunks=3))
    arm.open(None, STAMP)
    take(arm, "one", "two", "three")
    arm.apply([Change(seq=4, op="put", id="3", text="three again")])
    with pytest.raises(PluginError, match="no more than 3 chunks") as caught:
        arm.apply([Change(seq=5, op="put", id="4", text="four")])
    assert "tantivy" in caught.value.hint
    assert arm.seq == 4


def test_a_dead_writer_is_replaced_and_nothing_lost(passages: Passages, tmp_path: Path) -> None:
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, passages.stamp)
    arm.apply(passages.puts(range(10)))
    with arm._changed:  # so that nothing is published meanwhile
        writer = arm._postings._writer  # the one that will be found dead
        assert writer is not None
        writer.wait_merging_threads()
    arm.apply(passages.puts(range(10, 20), first=11))
    assert arm.checkpoint() == 20
    assert arm.ids() == passages.ids(range(20))
    arm.close()


def test_a_lock_that_someone_holds_is_an_error_and_then_forgiven(passages: Passages, tmp_path: Path) -> None:
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, passages.stamp)
    stranger = postings.Postings(tmp_path / "live")
    stranger.put("x", ["word"])
    arm.apply(passages.puts(range(5)))
    with pytest.raises(Failed, match=r"notes.*[Ll]ock"):
        arm.checkpoint()
    stranger.abandon()
    assert arm.checkpoint() == 5
    assert arm.ids() == passages.ids(range(5))
    arm.close()


def test_many_changes_at_once_do_not_wait_for_the_clock(passages: Passages) -> None:
    arm = TantivyArm(HybridSettings())
    arm.open(None, STAMP)
    arm.apply([replace(passages.put(0, seq), id=str(seq)) for seq in range(1, MAX_PENDING + 1)])
    arm.apply([passages.put(1, MAX_PENDING + 1)])
    assert arm.stats()["lexical_chunks"] == MAX_PENDING
    arm.close()


def test_what_could_not_be_published_is_tried_again(
    passages: Passages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "RETRY_S", 0.1)
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, STAMP)
    stranger = postings.Postings(tmp_path / "live")
    stranger.put("x", ["held"])
    arm.apply(passages.puts(range(5)))
    time.sleep(0.2)
    assert arm.stats()["lexical_waiting"] == 5
    stranger.abandon()
    limit = time.monotonic() + 20
    while not found(arm, passages.word(3)) and time.monotonic() < limit:
        time.sleep(0.02)
    assert found(arm, passages.word(3)) == [passages.id(3)]
    arm.close()


def test_what_a_failed_writer_left_behind_is_in_nobodys_way(passages: Passages, tmp_path: Path) -> None:
    """A disk that fills up in a commit leaves a list of deletes under the name that the next one takes."""
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, STAMP)
    arm.apply(passages.puts(range(50)))
    arm.checkpoint()
    (segment,) = {path.stem for path in (tmp_path / "live").glob("*.store")}
    for number in range(300):
        (tmp_path / "live" / f"{segment}.{number}.del").write_bytes(b"half of it")
    arm.apply([passages.delete(1, 51)])
    assert arm.checkpoint() == 51
    assert arm.ids() == passages.ids(set(range(50)) - {1})
    arm.close()


def test_how_many_are_deleted_and_not_yet_merged_away(passages: Passages, tmp_path: Path) -> None:
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, STAMP)
    arm.apply(passages.puts(range(50)))
    arm.checkpoint()
    assert arm.stats()["lexical_dead"] == 0
    arm.apply([passages.delete(number, 51 + number) for number in range(10)])
    arm.checkpoint()
    assert (arm.stats()["lexical_chunks"], arm.stats()["lexical_dead"]) == (40, 10)
    arm.close()


def test_the_writer_rests_and_its_thread_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pace, "REST_S", 0.0)
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, STAMP)
    for _ in range(3):
        take(arm, "a word")
        for thread in threading.enumerate():
            if thread.name == "patina-lexical-notes":
                thread.join(10)
        assert arm._postings._writer is None
    assert arm.ids() == {"1", "2", "3"}
    arm.close()


def test_a_checkpoint_survives_what_happens_after_it(passages: Passages, tmp_path: Path) -> None:
    """Merges and deletes after a checkpoint remove files of tantivy's that the checkpoint needs."""
    arm = TantivyArm(HybridSettings())
    arm.open(tmp_path, passages.stamp)
    for number in range(20):  # each a segment of its own: they are merged
        arm.apply([passages.put(number, number + 1)])
        arm.checkpoint()
    for number in range(20, 40):
        arm.apply([passages.put(number, 2 * number), passages.delete(number - 20, 2 * number + 1)])
        arm.ids()  # published, but no checkpoint
    arm.close()
    assert arm.open(tmp_path, passages.stamp) == 20
    assert arm.ids() == passages.ids(range(20))
    assert arm.verify(full=True) == []
    arm.close()


def test_another_language_is_another_index(passages: Passages, tmp_path: Path) -> None:
    for engine in ENGINES:
        arm = engine(HybridSettings())
        arm.open(tmp_path / engine.__name__, passages.stamp)
        arm.apply(passages.puts(range(3)))
        arm.checkpoint()
        arm.close()
        german = engine(HybridSettings(language="de"))
        assert german.open(tmp_path / engine.__name__, passages.stamp) == 0
        assert german.ids() == frozenset()
        german.close()
