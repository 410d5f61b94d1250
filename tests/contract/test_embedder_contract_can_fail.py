"""Every promise of the embedder contract, broken once: a suite that passes everything proves nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from patina.testing import EmbedderContract, FakeEmbedder
from patina.types import Embedded, Kind, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patina.protocols import Embedder


class BrokenError(Exception):
    """What a broken embedder raises."""


class Unnormalised(FakeEmbedder):
    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        embedded = super().embed(batch)
        return Embedded(vectors=embedded.vectors * np.float32(1.01), tokens=embedded.tokens)


class Double(FakeEmbedder):
    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        embedded = super().embed(batch)
        return Embedded(vectors=embedded.vectors.astype(np.float64), tokens=embedded.tokens)


class Sorting(FakeEmbedder):
    """Embeds the shortest first, and forgets to put the rows back."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        return super().embed(sorted(batch, key=lambda tokens: tokens.count))


class Padding(FakeEmbedder):
    """Lets the longest neighbour leak into a vector, as dynamic quantisation does."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        embedded = super().embed(batch)
        vectors = embedded.vectors.copy()
        if len(batch):
            vectors[:, 0] += np.float32(1e-3 * max(tokens.count for tokens in batch))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embedded(vectors=vectors, tokens=embedded.tokens)


class Constant(FakeEmbedder):
    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        vectors = np.zeros((len(batch), self.info.dimension), dtype=np.float32)
        vectors[:, 0] = 1
        return Embedded(vectors=vectors, tokens=sum(tokens.count for tokens in batch))


class Sharing(FakeEmbedder):
    """Computes in one buffer, whoever calls."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        mine = self._buffer = super().embed(batch)
        time.sleep(0.005)
        if self._buffer is not mine:
            raise BrokenError("another thread wrote into the buffer")
        return mine


class Uncounted(FakeEmbedder):
    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        return [Tokens(1, tokens.truncated, tokens.payload) for tokens in super().tokenize(texts, kind)]


class Uncut(FakeEmbedder):
    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        return [Tokens(tokens.count, False, tokens.payload) for tokens in super().tokenize(texts, kind)]


class Stacking(FakeEmbedder):
    """`numpy.stack` of nothing is an error."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        if not batch:
            raise BrokenError("need at least one array to stack")
        return super().embed(batch)


class OneKind(FakeEmbedder):
    def tokenize(self, texts: Sequence[str], kind: Kind) -> list[Tokens]:
        if kind == "passage":
            raise BrokenError("only questions")
        return super().tokenize(texts, kind)


class Nullable(FakeEmbedder):
    """Gives the zero vector for a text without words."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        embedded = super().embed(batch)
        for number, tokens in enumerate(batch):
            embedded.vectors[number] *= bool(tokens.payload)
        return embedded


class Once(FakeEmbedder):
    closed = False

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        if self.closed:
            raise BrokenError("closed")
        return super().embed(batch)

    def close(self) -> None:
        self.closed = True


class Anonymous(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.info = msgspec.structs.replace(self.info, identity="")


class Fickle(FakeEmbedder):
    """Learns its identity only when it loads."""

    def embed(self, batch: Sequence[Tokens]) -> Embedded:
        self.info = msgspec.structs.replace(self.info, identity="f" * 64)
        return super().embed(batch)


class Missing:
    """Has nothing but `close`."""

    def close(self) -> None: ...


CAUGHT: dict[Callable[[], object], tuple[str, ...]] = {
    Missing: ("test_it_has_every_method",),
    Anonymous: ("test_info_names_the_model",),
    Fickle: ("test_info_is_stable",),
    Double: ("test_vectors_are_float32_of_the_dimension",),
    Unnormalised: ("test_rows_are_unit_vectors", "test_a_long_text_is_cut_and_marked", "test_any_text_has_a_vector"),
    Sorting: ("test_order_is_kept", "test_a_vector_does_not_depend_on_its_neighbours"),
    Padding: ("test_a_vector_does_not_depend_on_its_neighbours",),
    Constant: ("test_different_texts_have_different_vectors",),
    Sharing: ("test_threads_do_not_disturb_each_other", "test_the_first_use_may_come_from_several_threads"),
    Uncounted: ("test_tokens_are_counted",),
    Uncut: ("test_a_long_text_is_cut_and_marked",),
    Stacking: ("test_an_empty_batch_is_no_rows",),
    OneKind: ("test_both_kinds_are_taken",),
    Nullable: ("test_any_text_has_a_vector",),
    Once: ("test_it_embeds_again_after_close",),
}


@pytest.mark.parametrize(("broken", "test"), [(broken, test) for broken, tests in CAUGHT.items() for test in tests])
def test_it_is_caught(broken: Callable[[], Embedder], test: str, run: Callable[[object, str], None]) -> None:
    one = broken()

    class Suite(EmbedderContract):
        def embedder(self) -> Embedder:
            return one

    with pytest.raises((AssertionError, BrokenError)):
        run(Suite(), test)


def test_every_promise_can_be_broken() -> None:
    promises = {name for name in dir(EmbedderContract) if name.startswith("test_")}
    assert {test for tests in CAUGHT.values() for test in tests} == promises
