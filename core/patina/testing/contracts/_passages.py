"""Passages whose right answers are known, for the index contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina.types import Change, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patina.types import Vector, Vectors

DIMENSION = 32
STAMP = Stamp(collection="contract", identity="a" * 64, dimension=DIMENSION)
_WORDS = ("river", "stone", "lantern", "harbour", "meadow", "copper", "violin", "winter", "garden", "thunder", "paper")


def chunk_id(number: int) -> str:
    return f"{number:032x}"


def text(number: int) -> str:
    """Three common words in a changing order, every third time "common", and one word that no other passage has."""
    words = [_WORDS[(number * step) % len(_WORDS)] for step in (1, 2, 5)]
    return " ".join([*words, "common" if number % 3 == 0 else "usual", f"zq{number}x"])


def vectors(count: int, seed: int = 7) -> Vectors:
    """Unit vectors, [count, DIMENSION]."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def puts(numbers: Iterable[int], rows: Vectors | None = None, first: int = 1) -> list[Change]:
    """A put for each number, in log order from `first`; with its row of `rows` as vector."""
    return [put(number, seq, None if rows is None else rows[number]) for seq, number in enumerate(numbers, start=first)]


def put(number: int, seq: int, vector: Vector | None = None, body: str | None = None) -> Change:
    return Change(
        seq=seq,
        op="put",
        id=chunk_id(number),
        path=f"notes/{number}.md",
        text=text(number) if body is None else body,
        vector=vector,
    )


def vector_known(number: int, seq: int, vector: Vector) -> Change:
    return Change(seq=seq, op="vector", id=chunk_id(number), vector=vector)


def delete(number: int, seq: int) -> Change:
    return Change(seq=seq, op="delete", id=chunk_id(number))


def chunk_ids(numbers: Iterable[int]) -> frozenset[str]:
    return frozenset(map(chunk_id, numbers))


def nearest(rows: Vectors, query: Vector, count: int) -> Sequence[str]:
    """The right answer: ids of the `count` rows with the greatest cosine."""
    return [chunk_id(int(number)) for number in np.argsort(-(rows @ query), kind="stable")[:count]]
