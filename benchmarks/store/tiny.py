"""A small fixture of invented words, made in a moment: to see that everything runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.store.passages import DIMENSION, Passages

PASSAGES = 2_000
DOCUMENT_PASSAGES = 8
PASSAGE_WORDS = 60
VOCABULARY = 3_000
QUESTIONS = 20
QUESTION_WORDS = 6


def made(folder: Path, size: int) -> Passages:
    """With the exact answers for the first `size` passages."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(20)
    words = ["".join(letters) for letters in rng.choice(list("abcdefghijklmnoprstu"), (VOCABULARY, 7))]
    texts = [" ".join(chosen) for chosen in rng.choice(words, (PASSAGES, PASSAGE_WORDS))]
    vectors = rng.standard_normal((PASSAGES, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    documents = [
        json.dumps([f"{start:05}.txt", texts[start : start + DOCUMENT_PASSAGES]])
        for start in range(0, PASSAGES, DOCUMENT_PASSAGES)
    ]
    (folder / "documents.jsonl").write_text("\n".join(documents) + "\n")
    asked = list(range(0, size, size // QUESTIONS))
    questions = [(" ".join(texts[number].split()[:QUESTION_WORDS]), number) for number in asked]
    (folder / "questions.json").write_text(json.dumps(questions))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "questions.npy", vectors[asked])
    np.save(folder / f"nearest-{size}.npy", np.argsort(-(vectors[asked] @ vectors[:size].T), axis=1)[:, :10])
    return Passages(folder)
