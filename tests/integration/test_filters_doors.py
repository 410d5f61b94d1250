"""Filters and `--why` as people and programs type them: the command line and HTTP."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.integration.conftest import House

QUESTION = "amber lamp"


def folder_of(house: House) -> Path:
    """Three files about a lamp, in two languages, of three years."""
    folder = house.work / "shelf"
    for year, name in ((2021, "docs/old.md"), (2023, "docs/new.md"), (2025, "src/lamp.py")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'"""An amber lamp of {year}."""\n')
        modified = _unix_time(f"{year}-06-15")
        os.utime(file, (modified, modified))
    return folder


def _unix_time(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def test_options_narrow_a_search_and_why_tells_how_a_document_fared(house: House) -> None:
    folder = folder_of(house)
    house.ok("index", folder)

    def found(*options: str) -> set[str]:
        return {hit["path"] for hit in house.json("scry", QUESTION, *options)["hits"]}

    assert found("--language", "python") == {"src/lamp.py"}
    assert found("--path-prefix", "docs/", "--since", "2022-01-01") == {"docs/new.md"}
    assert found("--since", str(int(_unix_time("2023-06-15"))), "--until", "2025-06-15T00:00Z") == {"docs/new.md"}
    assert "Leave out one of the options" in house.ok("scry", QUESTION, "--where", "author=Ada")
    wrong = house.run("scry", QUESTION, "--since", "soon")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--since soon is no date or time." in wrong.stderr

    said = house.ok("scry", QUESTION, "--why", folder / "docs" / "old.md", "--limit", "1")
    assert said.startswith("shelf/docs/old.md  Number ")
    assert "words (lexical): rank" in said
    unknown = house.run("scry", QUESTION, "--why", "docs/older.md")
    assert unknown.returncode == 2
    assert "docs/older.md is not indexed." in unknown.stderr
    assert "The nearest is docs/old.md." in unknown.stderr


def test_http_takes_filters(house: House) -> None:
    documents = [
        {"id": "1", "text": "An amber lamp.", "metadata": {"author": "Ada", "year": "1843"}, "modified_at": 1000.0},
        {"id": "2", "text": "A brass lamp.", "metadata": {"author": "Grace", "year": "1952"}, "modified_at": 2000.5},
        {"id": "3", "text": "A paper lamp.", "metadata": {"author": "Ada", "year": "1952"}},
    ]
    with house.serving("--transport", "http") as serving:
        [address] = serving.addresses(1)
        with httpx.Client(base_url=address, timeout=60) as http:
            assert http.post("/api/index", json={"repo": "notes", "documents": documents}).status_code == 200

            def found(**wanted: Any) -> str:
                answer = http.post("/api/scry", json={"query": "lamp", "filter": wanted})
                return "".join(sorted(hit["path"] for hit in answer.json()["hits"]))

            assert found(metadata={"author": "Ada"}) == "13"
            assert found(metadata={"author": ["Ada", "Grace"], "year": "1952"}) == "23"
            assert found(until=1000.0) == ""
            assert found(until=2000.5) == "1"
            assert found(since=1000.0, until=2000.75) == "12"
            assert found(since=1_700_000_000) == "3", "without a time of its own a document has that of its intake"
            wrong = http.post("/api/scry", json={"query": "lamp", "filter": {"metdata": {}}})
            assert wrong.status_code == 400
            assert wrong.json()["error"]["param"] == "filter.metdata"
            assert "Did you mean 'metadata'?" in wrong.json()["error"]["message"]
