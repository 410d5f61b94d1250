"""Makes the fixture, once: `python -m benchmarks.store.fixture`. The same numbers come out every time.

Only the first vectors are the model's. The index does not care what a vector means, only how vectors lie to each other;
so the others are made of these: a real vector moved by half the difference of two other real ones. What is added lies
as real vectors do, neither in a tight ball around the original nor in directions that no text ever takes.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.store.debian import documents
from benchmarks.store.passages import STEP, Document, Passages
from benchmarks.workshop import CACHE, Workshop
from patina.protocols import Embedder
from patina.types import Kind

if TYPE_CHECKING:
    from benchmarks.store.passages import Vectors

log = logging.getLogger(__name__)

FOLDER = CACHE / "store"
PASSAGES = 312_000
"""The largest collection, and what is added to it while it is asked."""
REAL = 20_000
QUESTIONS = 200
ASKED_ABOUT = 10_000
"""Questions are about these first passages, which every collection has."""
QUESTION_WORDS = 6
NEAREST = 10
DOCUMENT_PASSAGES = 32
EMBEDDED_CHARS = 400
"""About 96 tokens: this is about the index, and a vector of the beginning lies like one of the whole."""
STRAY = 0.5
BLOCK = 64


def made(sizes: Sequence[int]) -> Passages:
    """The fixture with the exact answers for these sizes; what is there is not made again."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "documents.jsonl").exists():
        _write_documents(FOLDER / "documents.jsonl")
    if not (FOLDER / "real.npy").exists():
        _write_real(Workshop(FOLDER).embedder())
    if not (FOLDER / "vectors.npy").exists():
        _keep(FOLDER / "vectors.npy", _extended(np.load(FOLDER / "real.npy"), PASSAGES))
    passages = Passages(FOLDER)
    for size in sizes:
        if not (FOLDER / f"nearest-{size}.npy").exists():
            _keep(FOLDER / f"nearest-{size}.npy", _nearest(passages, size))
    return passages


def _write_documents(path: Path) -> None:
    partial = path.with_suffix(".new")
    with partial.open("w") as file:
        for document in _documents(documents(FOLDER / "packages")):
            file.write(json.dumps(document) + "\n")
    partial.rename(path)


def _documents(found: Iterator[tuple[str, list[str]]]) -> Iterator[Document]:
    """Of at most 32 passages each, the rest of a longer one as documents of their own; 312,000 passages in all."""
    number = 0
    for name, texts in found:
        start = 0
        while start < len(texts) and number < PASSAGES:
            part = texts[start : start + min(DOCUMENT_PASSAGES, STEP - number % STEP)]
            yield Document(f"{name}~{start}" if start else name, part)
            start, number = start + len(part), number + len(part)
    if number < PASSAGES:
        raise SystemExit(f"The packages hold {number} passages, and {PASSAGES} are needed.")


def _write_real(embedder: Embedder) -> None:
    texts = _first_texts(REAL)
    step = ASKED_ABOUT // QUESTIONS
    questions = [(_question(texts[number]), number) for number in range(0, ASKED_ABOUT, step)]
    (FOLDER / "questions.json").write_text(json.dumps(questions))
    _keep(FOLDER / "questions.npy", _embedded(embedder, [text for text, _ in questions], "query"))
    _keep(FOLDER / "real.npy", _embedded(embedder, [text[:EMBEDDED_CHARS] for text in texts], "passage"))


def _first_texts(count: int) -> list[str]:
    with (FOLDER / "documents.jsonl").open() as file:
        texts = chain.from_iterable(json.loads(line)[1] for line in file)
        return [text for text, _ in zip(texts, range(count), strict=False)]


def _question(text: str) -> str:
    """Some words from the middle of what is embedded."""
    words = text[:EMBEDDED_CHARS].split()
    middle = max(0, len(words) // 2 - QUESTION_WORDS // 2)
    return " ".join(words[middle : middle + QUESTION_WORDS])


def _embedded(embedder: Embedder, texts: Sequence[str], kind: Kind) -> Vectors:
    blocks = []
    for start in range(0, len(texts), BLOCK):
        batch = embedder.tokenize(texts[start : start + BLOCK], kind)
        blocks.append(np.concatenate([embedder.embed([tokens]).vectors for tokens in batch]))
        log.info("%d of %d texts embedded", start + len(batch), len(texts))
    return np.concatenate(blocks)


def _extended(real: Vectors, count: int) -> Vectors:
    """The real ones, then others near them: each is moved by half the difference of two real ones."""
    rng = np.random.default_rng(20)
    blocks = [real[:count]]
    while (have := sum(map(len, blocks))) < count:
        wanted = min(len(real), count - have)
        one, other = rng.integers(len(real), size=(2, wanted))
        moved = real[:wanted] + STRAY * (real[one] - real[other])
        blocks.append(moved / np.linalg.norm(moved, axis=1, keepdims=True))
    return np.concatenate(blocks).astype("<f4")


def _nearest(passages: Passages, size: int) -> np.ndarray:
    asked = np.stack([question.vector for question in passages.questions()])
    best: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, size, REAL):
        scores = asked @ passages.vectors[start : min(start + REAL, size)].T
        top = np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]
        best.append((np.take_along_axis(scores, top, axis=1), top + start))
    scores, numbers = (np.concatenate(parts, axis=1) for parts in zip(*best, strict=True))
    return np.take_along_axis(numbers, np.argsort(-scores, axis=1)[:, :NEAREST], axis=1)


def _keep(path: Path, array: np.ndarray) -> None:
    partial = path.with_suffix(".new.npy")
    np.save(partial, array)
    partial.rename(path)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    made([10_000, 100_000, 300_000])
