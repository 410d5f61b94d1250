"""Ids depend on what they say they depend on, and on nothing else."""

from __future__ import annotations

from patina.identity import chunk_ids, digest


def test_a_digest_is_of_the_bytes_alone() -> None:
    assert digest(b"") == "cae66941d9efbd404e4d88758ea67670"
    assert len(digest(b"text")) == 32
    assert digest(b"text") != digest(b"text\n")


def test_ids_stay_as_they_are_over_versions() -> None:
    """An index made yesterday must find its chunks today: a changed value here is a broken promise."""
    assert chunk_ids("docs", "a/b.md", ["aa", "bb", "aa"]) == [
        "7cced87174c741e1ed97c57e128c57f7",
        "df9058e0fe6980697b1ed6399d930de4",
        "fa970d91ce9d13342403b83fcf32e8e4",
    ]


def test_equal_passages_of_a_document_have_different_ids() -> None:
    assert len(set(chunk_ids("r", "p", ["d"] * 5))) == 5


def test_a_passage_keeps_its_id_when_it_moves() -> None:
    assert set(chunk_ids("r", "p", ["a", "b", "c"])) == set(chunk_ids("r", "p", ["c", "a", "b"]))
    assert chunk_ids("r", "p", ["x", "a"])[1] == chunk_ids("r", "p", ["a"])[0]


def test_names_cannot_be_shifted_into_each_other() -> None:
    assert chunk_ids("ab", "c", ["d"]) != chunk_ids("a", "bc", ["d"])
    assert chunk_ids("a", "b/c", ["d"]) != chunk_ids("a/b", "c", ["d"])
