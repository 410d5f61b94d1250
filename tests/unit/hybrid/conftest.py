"""What the tests of the hybrid index share: a log of passages, each with a word and a vector of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from patina.types import Change, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patina.types import Vector, Vectors

DIMENSION = 24


class Passages:
    """Passage `n` has the id of that number, the word ``own{n}x`` and the unit vector `rows[n]`."""

    stamp = Stamp(collection="notes", identity="a" * 64, dimension=DIMENSION)

    def __init__(self, count: int = 600) -> None:
        raw = np.random.default_rng(5).standard_normal((count, DIMENSION)).astype(np.float32)
        self.rows: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)

    def id(self, number: int) -> str:
        return f"{number:032x}"

    def ids(self, numbers: Iterable[int]) -> frozenset[str]:
        return frozenset(map(self.id, numbers))

    def word(self, number: int) -> str:
        return f"own{number}x"

    def put(self, number: int, seq: int, *, embedded: bool = True, text: str | None = None) -> Change:
        body = f"a passage with {self.word(number)} and {'odd' if number % 2 else 'even'}" if text is None else text
        vector = self.rows[number] if embedded else None
        return Change(seq=seq, op="put", id=self.id(number), path=f"notes/{number}.md", text=body, vector=vector)

    def vector(self, number: int, seq: int, row: Vector | None = None) -> Change:
        known = self.rows[number] if row is None else row
        return Change(seq=seq, op="vector", id=self.id(number), vector=known)

    def delete(self, number: int, seq: int) -> Change:
        return Change(seq=seq, op="delete", id=self.id(number))

    def puts(self, numbers: Iterable[int], first: int = 1) -> list[Change]:
        return [self.put(number, seq) for seq, number in enumerate(numbers, start=first)]

    def nearest(self, query: Vector, among: Iterable[int], count: int) -> list[str]:
        """The right answer: ids by cosine."""
        numbers = sorted(among)
        scores = self.rows[numbers] @ query
        return [self.id(numbers[row]) for row in np.argsort(-scores, kind="stable")[:count]]


@pytest.fixture(scope="session")
def passages() -> Passages:
    return Passages()
