"""What every embedder promises."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

import numpy as np

from patina.protocols import Embedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patina.types import Kind, Vectors

THREADS = 4
KINDS: tuple[Kind, ...] = ("query", "passage")
TEXTS = (
    "The lamp stood on the window sill.",
    "How do I open a file and read it line by line?",
    "def area(width: float, height: float) -> float:\n    return width * height",
    "Übergrößenträger und naïve Bären, 東京の夜, Привет мир, مرحبا, 🗝🚪",
    "one",
    "a long sentence that goes on, and on, " * 12,
)
AWKWARD = ("", " \n\t ", "\x00", "\u202eabc", "﻿", "?!…", "🗝" * 40, "x" * 5_000)


class EmbedderContract(ABC):
    """Subclass it, and return the embedder under test from `embedder`.

    Each test makes one and closes it. To load a large model once, override `opened` to lend one that stays open.
    """

    @abstractmethod
    def embedder(self) -> Embedder: ...

    def opened(self) -> AbstractContextManager[Embedder]:
        return closing(self.embedder())

    def test_it_has_every_method(self) -> None:
        with self.opened() as embedder:
            assert isinstance(embedder, Embedder)

    def test_info_names_the_model(self) -> None:
        with self.opened() as embedder:
            info = embedder.info
        assert info.name
        assert info.dimension > 0
        assert info.max_tokens > 0
        assert info.batch_tokens >= 0
        assert re.fullmatch("[0-9a-f]{64}", info.identity), "identity is a sha256 in hex"

    def test_info_is_stable(self) -> None:
        with self.opened() as embedder:
            before = embedder.info
            _embed(embedder, TEXTS)
            assert embedder.info == before
        with self.opened() as another:
            assert another.info == before, "two embedders of the same settings must say the same of themselves"

    def test_vectors_are_float32_of_the_dimension(self) -> None:
        with self.opened() as embedder:
            vectors = _embed(embedder, TEXTS)
            assert vectors.dtype == np.float32
            assert vectors.shape == (len(TEXTS), embedder.info.dimension)

    def test_rows_are_unit_vectors(self) -> None:
        with self.opened() as embedder:
            for kind in KINDS:
                _assert_unit(_embed(embedder, TEXTS, kind))

    def test_order_is_kept(self) -> None:
        with self.opened() as embedder:
            forwards, backwards = _embed(embedder, TEXTS), _embed(embedder, TEXTS[::-1])
        assert forwards.tobytes() == backwards[::-1].tobytes()

    def test_different_texts_have_different_vectors(self) -> None:
        with self.opened() as embedder:
            vectors = _embed(embedder, TEXTS)
        assert len({row.tobytes() for row in vectors}) == len(TEXTS)

    def test_a_vector_does_not_depend_on_its_neighbours(self) -> None:
        with self.opened() as embedder:
            together = _embed(embedder, TEXTS)
            for text, row in zip(TEXTS, together, strict=True):
                assert _embed(embedder, [text]).tobytes() == row.tobytes(), text

    def test_threads_do_not_disturb_each_other(self) -> None:
        with self.opened() as embedder:
            alone = _embed(embedder, TEXTS).tobytes()
            start = threading.Barrier(THREADS)

            def embed(_: int) -> set[bytes]:
                start.wait(timeout=60)
                return {_embed(embedder, TEXTS).tobytes() for _ in range(3)}

            with ThreadPoolExecutor(THREADS) as threads:
                assert set().union(*threads.map(embed, range(THREADS))) == {alone}

    def test_the_first_use_may_come_from_several_threads(self) -> None:
        with self.opened() as embedder:
            start = threading.Barrier(THREADS)

            def embed(_: int) -> bytes:
                start.wait(timeout=60)
                return _embed(embedder, TEXTS[:1]).tobytes()

            with ThreadPoolExecutor(THREADS) as threads:
                assert len(set(threads.map(embed, range(THREADS)))) == 1

    def test_tokens_are_counted(self) -> None:
        with self.opened() as embedder:
            short, long = embedder.tokenize([TEXTS[0], TEXTS[-1]], "passage")
            assert 0 < short.count < long.count <= embedder.info.max_tokens
            assert not short.truncated
            again = embedder.tokenize([TEXTS[0]], "passage")[0]
            assert again.count == short.count, "a count must not depend on the neighbours"
            computed = embedder.embed([short, long]).tokens
            assert computed > 0
            assert computed >= short.count + long.count or not embedder.info.exact_tokens
            assert computed == short.count + long.count or embedder.info.batch_tokens, "no padding was declared"

    def test_a_long_text_is_cut_and_marked(self) -> None:
        with self.opened() as embedder:
            text = "lamp " * (2 * embedder.info.max_tokens)
            for kind in KINDS:
                (tokens,) = embedder.tokenize([text], kind)
                assert tokens.truncated
                assert tokens.count <= embedder.info.max_tokens
                _assert_unit(embedder.embed([tokens]).vectors)

    def test_an_empty_batch_is_no_rows(self) -> None:
        with self.opened() as embedder:
            assert list(embedder.tokenize([], "query")) == []
            embedded = embedder.embed([])
            assert embedded.vectors.shape == (0, embedder.info.dimension)
            assert embedded.vectors.dtype == np.float32
            assert embedded.tokens == 0

    def test_both_kinds_are_taken(self) -> None:
        """Their vectors may differ; each must be the same every time."""
        with self.opened() as embedder:
            for kind in KINDS:
                assert _embed(embedder, TEXTS, kind).tobytes() == _embed(embedder, TEXTS, kind).tobytes()

    def test_any_text_has_a_vector(self) -> None:
        with self.opened() as embedder:
            for kind in KINDS:
                _assert_unit(_embed(embedder, AWKWARD, kind))

    def test_it_embeds_again_after_close(self) -> None:
        with self.opened() as embedder:
            before = _embed(embedder, TEXTS[:2]).tobytes()
            embedder.close()
            embedder.close()
            assert _embed(embedder, TEXTS[:2]).tobytes() == before


def _embed(embedder: Embedder, texts: Sequence[str], kind: Kind = "passage") -> Vectors:
    return embedder.embed(embedder.tokenize(texts, kind)).vectors


def _assert_unit(vectors: Vectors) -> None:
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert np.isfinite(norms).all()
    assert np.abs(norms - 1).max() < 1e-5
