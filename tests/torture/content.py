"""Texts and vectors that can be made again from a few numbers, so that what is stored can be told right or wrong."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from patina.identity import chunk_ids, digest
from patina.store import Collection, Entry
from patina.types import Chunk, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

DIMENSION = 16
IDENTITY = digest(b"the model of the torture suite") * 2
WORDS = "amber basalt cedar dune ember fjord granite harbour inlet juniper kelp lagoon marsh nettle opal".split()


def lines(repo: str, path: str, version: int) -> list[str]:
    """The passages of a document's version: some its own, one that all versions share, now and then one twice."""
    dice = random.Random(f"{repo}/{path}/{version}")
    own = [f"{path} {version} {number} {' '.join(dice.choices(WORDS, k=6))}" for number in range(dice.randint(1, 4))]
    passages = [f"{path} is kept in {repo}", *own]
    return [*passages, passages[0]] if dice.random() < 0.2 else passages


def digests(passages: Sequence[str]) -> list[str]:
    return [digest(passage.encode()) for passage in passages]


def entry(repo: str, path: str, passages: Sequence[str]) -> Entry:
    """A document of which every line is a passage."""
    content = "\n".join(passages)
    contents = digests(passages)
    document = Document(path=path, location=f"/{path}", digest=digest(content.encode()), size=len(content))
    ids = chunk_ids(repo, path, contents)
    return Entry(
        document=document,
        chunks=[
            Chunk(
                id=ids[number],
                repo=repo,
                path=path,
                location=f"/{path}",
                digest=contents[number],
                text=passage,
                start_byte=0,
                end_byte=len(passage),
                start_line=number + 1,
                end_line=number + 1,
                position=number,
            )
            for number, passage in enumerate(passages)
        ],
    )


def vector(content: str) -> bytes:
    """The vector of the text with this digest: of length one, little-endian float32."""
    numbers = np.random.default_rng(int(content, 16)).standard_normal(DIMENSION)
    return (numbers / np.linalg.norm(numbers)).astype("<f4").tobytes()


def collection(name: str) -> Collection:
    return Collection(name=name, index="hybrid", identity=IDENTITY, model="torture", dimension=DIMENSION)
