"""The twenty questions are what they were, and the paraphrases share no content word with the file they ask for."""

from __future__ import annotations

import hashlib

import pytest
from benchmarks.quality import STDLIB, Question, questions

from patina.retrieval.words import Words

RECORDED = "28323087cac5b757"
PARAPHRASES = [question for question in questions().question if question.kind == "paraphrase"]


def test_the_questions_are_those_that_were_written_first() -> None:
    given = questions()
    assert [question.kind for question in given.question].count("keyword") == 10
    assert len(PARAPHRASES) == 10
    everything = "\n".join(f"{question.ask} {question.file}" for question in given.question)
    assert hashlib.blake2b(everything.encode(), digest_size=8).hexdigest() == RECORDED


@pytest.mark.parametrize("question", PARAPHRASES, ids=lambda question: question.file)
def test_a_paraphrase_shares_no_content_word_with_its_file(question: Question) -> None:
    text = f"{question.file} {(STDLIB / question.file).read_text()}"
    assert not Words(question.ask).held(text)


@pytest.mark.parametrize("question", questions().question, ids=lambda question: question.file)
def test_the_file_is_in_this_python(question: Question) -> None:
    assert (STDLIB / question.file).is_file()
